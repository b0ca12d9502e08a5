/**
 * A model that follows the plan in the prompt. It fails now and then, never answers the same step with the same words, and records which
 * node asked.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { randomFrom } from "../support/fuzz.js";
import {
  beforeHeaders,
  chunk,
  cutStream,
  failure,
  type LlmRequest,
  type Piece,
  pause,
  reset,
  type Step,
  stream,
  toolCalls,
} from "../support/llm-server.js";

export interface Ask {
  /** Format: `name:plan#hop`. */
  step: string;
  /** Key of the node that asked. */
  key: string;
  at: number;
  /** True if the request got no answer; the same node will ask again. */
  isFailed: boolean;
}

const longestThinkMs = 250;
const usage = { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } };

export class PlannedModel {
  readonly asks: Ask[] = [];

  readonly answer = (request: LlmRequest): Step => {
    const { step, seed, plan, hop, text } = plannedIn(request);
    const random = randomFrom(seed);
    const thinkMs = random(longestThinkMs);
    const fault = random(30);
    const times = this.asks.filter((ask) => ask.step === step).length;
    const isFailed = times === 0 && fault < faults.length;
    const key = request.headers.authorization?.replace("Bearer ", "") ?? "";
    this.asks.push({ step, key, at: request.at, isFailed });
    const failing = isFailed ? faults[fault] : undefined;
    if (failing) return failing;
    const tool = plan[hop];
    const call = { name: tool === "l" ? "s__look" : "s__book", arguments: { what: step }, id: `call_${hop}` };
    const answer = tool ? toolCalls([call]) : stream(saying(`done ${text}, asked ${times + 1} times`, thinkMs / 8));
    return (response, asked) => void sleep(thinkMs).then(() => answer(response, asked));
  };
}

const half = [chunk({ role: "assistant", content: "this is half of" }), pause(5)];
/** Faults after which a host repeats the request by itself. */
const faults: readonly Step[] = [failure(503), beforeHeaders(reset), stream([...half, cutStream])];

function saying(text: string, pauseMs: number): Piece[] {
  const words = text.split(/(?= )/).map((content) => chunk({ content }));
  return [...words.flatMap((word) => [word, pause(pauseMs)]), chunk({}, "stop"), usage, "data: [DONE]\n\n"];
}

/** Reads the last prompt, and how many of its steps are done. */
function plannedIn({ body }: LlmRequest) {
  const messages = body.messages ?? [];
  const last = messages.findLastIndex(({ role }) => role === "user");
  const prompts = [...JSON.stringify(messages[last]?.content).matchAll(/s(\d+)\.(\d+):([lb]*)/g)];
  const [text = "", seed, index, plan = ""] = prompts.at(-1) ?? [];
  const hop = messages.slice(last).filter(({ role }) => role === "tool").length;
  return { text, plan, hop, step: `${text}#${hop}`, seed: Number(seed) * 1_000 + Number(index) * 10 + hop };
}

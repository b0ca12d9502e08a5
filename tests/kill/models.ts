/** The model of a scene over each wire: it reasons, calls tools twice, and refuses the same requests as its vendor. */
import type { WireName } from "../../src/core/config.js";
import { chunk, type LlmRequest, startLlmServer, stream } from "../support/llm-server.js";
import {
  type Answer,
  answer,
  type Break,
  breaking,
  calls,
  type Script,
  says,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../support/strict/index.js";

/** A point of an answer at which the model stops until the client is gone. */
export interface Stop {
  /** Number of the answer, from 1. */
  answer: number;
  at: Break["at"];
  /** Called when the answer has stopped at that point. */
  reached(): void;
}

export interface SceneModel extends AsyncDisposable {
  /** The provider's settings in the configuration. */
  provider: object;
  /** Number of requests that were answered, or whose answer has begun. */
  readonly requests: number;
  /** Returns the refusals, and the reasoning that requests failed to send back. */
  faults(): unknown[];
}

const call = (name: string, what: string) => calls(`s__${name}`, { what });
const booking = [
  answer(thinks("two trips"), says("Let me see."), call("book", "train"), call("look", "weather")),
  answer(thinks("and a bed"), call("book", "hotel")),
  answer(thinks("that is all"), says("all booked")),
] as const;
const goodbye = answer(thinks("nothing left"), says("gladly"));

/** `results`: number of results at the end of the request. The user's second turn says thanks. */
const nextOf = (results: number, userText: string) =>
  userText.includes("thanks") ? 4 : results === 2 ? 2 : results === 1 ? 3 : 1;

const script = (stop: Stop | undefined): Script => {
  let isStopped = false;
  return ({ results, userText }) => {
    const next = nextOf(results.length, userText);
    const said: Answer = booking[next - 1] ?? goodbye;
    if (stop?.answer !== next || isStopped) return said;
    isStopped = true;
    const until = () => new Promise<void>(() => stop.reached());
    return breaking({ how: "stall", at: stop.at, until }, ...said.parts);
  };
};

const vendors = {
  responses: { start: startOpenAi, model: "gpt-5.6-sol" },
  messages: { start: startAnthropic, model: "claude-opus-5-5" },
  gemini: { start: startGemini, model: "gemini-3.5-pro" },
} as const;

export const wires: readonly WireName[] = ["chat", "responses", "messages", "gemini"];

export async function startModel(wire: WireName, stop?: Stop): Promise<SceneModel> {
  const apiKey = "sk-test-0123456789";
  if (wire === "chat") return startChat(stop);
  const { start, model } = vendors[wire];
  const mock = await start(script(stop));
  return {
    provider: { base_url: mock.url, wire, model, api_key: apiKey },
    get requests() {
      return mock.hops.length;
    },
    faults: () => [
      ...mock.refusals.map(String),
      ...mock.hops.flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings]),
    ],
    [Symbol.asyncDispose]: () => mock[Symbol.asyncDispose](),
  };
}

/** Starts a Chat Completions model with signed reasoning, which must come back with the calls that it led to. */
async function startChat(stop: Stop | undefined): Promise<SceneModel> {
  const faults: string[] = [];
  const signed = new Map<string, string>();
  let isStopped = false;
  let asked = 0;
  const check = ({ body }: LlmRequest) => {
    for (const { tool_calls, reasoning_details } of body.messages ?? []) {
      const blocks = tool_calls?.map(({ id }) => signed.get(id))[0];
      if (blocks !== undefined && JSON.stringify(reasoning_details) !== blocks) faults.push(`lost: ${blocks}`);
    }
  };
  const server = await startLlmServer((request) => {
    check(request);
    const messages = request.body.messages ?? [];
    const results = messages.length - 1 - messages.findLastIndex(({ role }) => role !== "tool");
    const next = nextOf(results, String(messages.findLast(({ role }) => role === "user")?.content));
    const { parts }: Answer = booking[next - 1] ?? goodbye;
    const signature = `signature ${++asked}`;
    let made = 0;
    const pieces = parts.flatMap((part): object[] => {
      if (part.kind === "says") return [{ content: part.text.slice(0, 4) }, { content: part.text.slice(4) }];
      if (part.kind === "thinks") {
        const block = { type: "reasoning.text", text: part.text, signature, index: 0 };
        signed.set(`call_${asked}_1`, JSON.stringify([block]));
        return [{ reasoning_details: [block] }];
      }
      const index = made++;
      const id = `call_${asked}_${made}`;
      const begun = { index, id, type: "function", function: { name: part.name, arguments: "" } };
      const rest = [part.arguments.slice(0, 3), part.arguments.slice(3)].map((text) => ({
        index,
        function: { arguments: text },
      }));
      return [begun, ...rest].map((one) => ({ tool_calls: [one] }));
    });
    const whole = [
      ...pieces.map((delta) => chunk(delta)),
      chunk({}, made > 0 ? "tool_calls" : "stop"),
      "data: [DONE]\n\n",
    ];
    if (stop?.answer !== next || isStopped) return stream(whole);
    isStopped = true;
    const stall = () => new Promise<void>(() => stop.reached());
    return stream([...whole.slice(0, placeOf(stop.at, pieces)), stall]);
  });
  return {
    provider: { base_url: server.url, model: "m1", api_key: "sk-test-0123456789" },
    get requests() {
      return asked;
    },
    faults: () => faults,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Returns how many pieces come before that point, as in the strict mocks. */
function placeOf(at: Break["at"], pieces: readonly object[]): number {
  if (at === "start") return 0;
  if (at === "before_end") return pieces.length;
  const has = (key: string) => pieces.findIndex((piece) => key in piece);
  const text = has("content");
  if (at === "after_text") return text + 1;
  return at === "in_call" ? has("tool_calls") + 2 : text < 0 ? has("tool_calls") : text;
}

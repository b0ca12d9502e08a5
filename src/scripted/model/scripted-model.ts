import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { withinTime } from "../../core/async/within-time.js";
import { LlmError, messageOf, ScriptError } from "../../core/errors.js";
import { namesTool, parseToolPattern } from "../../core/patterns/tool-pattern.js";
import type { HubTool } from "../../core/ports.js";
import { didYouMean } from "../../core/text/nearest.js";
import type { ModelAnswer, ModelExchange } from "../../core/transports.js";
import type { Tape } from "../../host/tape.js";
import { isRefusal, type ReplyCondition, type ScriptedAnswer, type ScriptedReply } from "../shared/reply.js";
import { positionText } from "../shared/script-position.js";
import { render } from "../shared/templates.js";
import type { Variables } from "../shared/variables.js";
import { type AskedRequest, describeRequest, excerpt, newest, readRequest, resultsIn } from "./request.js";
import { type WireReply, writeAnswer, writeRefusal } from "./scripted-wire.js";

/** A step that is running and may make requests to the model. */
export interface Scene {
  step: string;
  variables: Variables;
  tools(): readonly HubTool[];
}

interface CountedReply {
  reply: ScriptedReply;
  uses: number;
}

export class ScriptedModel {
  /** Messages about requests for which there was no reply. */
  readonly misses: string[] = [];
  readonly #replies: readonly CountedReply[];
  readonly #scene = new AsyncLocalStorage<Scene>();
  readonly #scenes = new Set<Scene>();
  #asked = 0;

  constructor(replies: readonly ScriptedReply[]) {
    this.#replies = replies.map((reply) => ({ reply, uses: 0 }));
  }

  /** Runs `work`. Model requests during this time count as requests of this step. */
  async during<T>(scene: Scene, work: () => Promise<T>): Promise<T> {
    this.#scenes.add(scene);
    try {
      return await this.#scene.run(scene, work);
    } finally {
      this.#scenes.delete(scene);
    }
  }

  /**
   * Answers a request with a scripted reply. Rejects with LlmError if no reply fits. If the reply is an error, it is returned or thrown in
   * the same way as an error of a real provider.
   */
  async answer({ body, provider, model, signal }: ModelExchange): Promise<ModelAnswer> {
    const request = readRequest(body);
    const number = ++this.#asked;
    try {
      // A sampling request of a server does not arrive in the context of a step. Any of the running steps may have caused the request, so
      // the request is attributed to the first running step.
      const scene = this.#scene.getStore() ?? [...this.#scenes][0];
      const chosen = scene && this.#choose(request, scene);
      if (!chosen) throw new ScriptError("scripted", this.#missOf(request, number));
      const { delayMs, answer, position } = chosen.reply;
      chosen.uses++;
      const filled = render(answer, scene.variables, position);
      if (delayMs > 0) await pause(delayMs, undefined, { signal });
      if (isRefusal(filled)) return writeRefusal(filled, signal);
      return writeAnswer(wireReply(filled, { number, position, tools: scene.tools() }), request, signal);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      this.misses.push(messageOf(error));
      throw new LlmError("scripted", messageOf(error), { provider, model, cause: error });
    }
  }

  /** Messages about replies that were used less often than expected. Each message names the position of the reply in the script. */
  get unused(): string[] {
    return this.#replies.filter(isOwing).map(({ reply, uses }) => {
      const times = uses === 0 ? "" : ` more than ${uses} of ${reply.times} times`;
      return `${positionText(reply.position)}: the model was not asked for this reply${times} (${describe(reply)})`;
    });
  }

  /** Returns the first reply whose condition holds, or else the next reply without a condition. */
  #choose(request: AskedRequest, { step, variables, tools }: Scene): CountedReply | undefined {
    const left = this.#replies.filter(isLeft);
    const circumstances = { request, step, tools: tools() };
    const isFor = ({ reply: { when, position } }: CountedReply) =>
      when !== undefined && applies(render(when, variables, position), circumstances);
    return left.find(isFor) ?? left.find(({ reply }) => reply.when === undefined);
  }

  #missOf(request: AskedRequest, number: number): string {
    return `the script has no reply for request ${number} to the model:\n${describeRequest(request)}\n${this.#rest()}`;
  }

  #rest(): string {
    const count = this.#replies.length;
    if (count === 0) return "the file has no replies under `scripted`";
    const left = this.#replies
      .filter(isLeft)
      .map(({ reply }) => `  ${positionText(reply.position)}: ${describe(reply)}`);
    return left.length === 0 ? `all ${count} replies are used` : `left are\n${bounded(left)}`;
  }
}

function isLeft({ reply: { times }, uses }: CountedReply): boolean {
  return times === "any" || uses < times;
}

function isOwing({ reply: { times }, uses }: CountedReply): boolean {
  return uses < (times === "any" ? 1 : times);
}

const maxLeft = 5;

function bounded(lines: readonly string[]): string {
  const more = lines.length - maxLeft;
  return [...lines.slice(0, maxLeft), ...(more > 0 ? [`  and ${more} more`] : [])].join("\n");
}

function describe({ when, answer }: ScriptedReply): string {
  const condition = when ? `when ${JSON.stringify(when)}, ` : "";
  if (isRefusal(answer)) return `${condition}error ${answer.error}`;
  const calls = answer.calls.map(({ name }) => name).join(", ");
  return condition + (calls === "" ? excerpt(answer.text) : `calls ${calls}`);
}

function wireReply(
  { calls, ...answer }: ScriptedAnswer,
  { number, position, tools }: { number: number; position: ScriptedReply["position"]; tools: readonly HubTool[] },
): WireReply {
  const named = calls.map(({ name, arguments: written }) => ({
    name: modelSideName(name, position, tools),
    arguments: typeof written === "string" ? written : JSON.stringify(written),
  }));
  return { ...answer, number, calls: named };
}

/**
 * Returns the name by which the model knows a tool. A name `server.tool` must belong to an existing tool. A name without a dot is returned
 * unchanged.
 */
function modelSideName(name: string, position: ScriptedReply["position"], tools: readonly HubTool[]): string {
  const tool = tools.find(({ server, tool: own }) => `${server}.${own}` === name);
  if (tool) return tool.name;
  if (!name.includes(".")) return name;
  const names = tools.map(({ server, tool: own }) => `${server}.${own}`);
  throw new ScriptError("scripted", `${positionText(position)}: there is no tool ${name}${didYouMean(name, names)}`);
}

/** Time limit for matching, in ms. It is needed because a regular expression may backtrack for ever on a tool's text. */
const longestMatchMs = 500;

interface Circumstances {
  request: AskedRequest;
  step: string;
  tools: readonly HubTool[];
}

/** Returns true if the condition holds for the request. `condition` must not contain templates any more. */
function applies(condition: ReplyCondition, { request, step, tools }: Circumstances): boolean {
  const { contains, icontains, regex, toolResult } = condition;
  const messages = newest(request);
  const text = messages.map((message) => message.text).join("\n");
  if (condition.step !== undefined && condition.step !== step) return false;
  if (contains !== undefined && !text.includes(contains)) return false;
  if (icontains !== undefined && !text.toLowerCase().includes(icontains.toLowerCase())) return false;
  if (toolResult !== undefined && !resultsIn(messages, tools).some((tool) => isNamed(toolResult, tool))) return false;
  return regex === undefined || matches(regex, text);
}

function isNamed(written: string, tool: HubTool): boolean {
  const pattern = parseToolPattern(written);
  return !("problem" in pattern) && namesTool(pattern, tool);
}

function matches(regex: string, text: string): boolean {
  return withinTime(longestMatchMs, () => new RegExp(regex, "su").test(text))?.result ?? false;
}

/**
 * Returns a tape, which stands in for connections to models and servers. The scripted model answers all model requests. The tape `servers`
 * answers for the servers; if `servers` is undefined, the real servers are used.
 */
export function scriptedTape(model: Pick<ScriptedModel, "answer">, servers?: Tape): Tape {
  return {
    playsModels: true,
    isInstant: servers?.isInstant ?? false,
    wireOf: () => "chat",
    conceal: (secrets) => servers?.conceal(secrets),
    choose: (choose) => choose(),
    model: (exchange) => model.answer(exchange),
    hello: (server, life, connect) => servers?.hello(server, life, connect) ?? connect(life),
    server: (exchange, life, send) => servers?.server(exchange, life, send) ?? send(life),
  };
}

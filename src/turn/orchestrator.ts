import { LinkedAbort } from "../core/async/abort.js";
import { Channel } from "../core/async/channel.js";
import type { StreamRecovery } from "../core/config.js";
import { errorInfo, RequestError } from "../core/errors.js";
import type { AssistantMessageEvent, ChatEvent, LiveEvent, StopReason } from "../core/events.js";
import type { NewId } from "../core/ids.js";
import { addAll } from "../core/lists/long-lists.js";
import type {
  AssistantMessage,
  Completion,
  CompletionEvent,
  CompletionRequest,
  Delta,
  Discard,
  LostAnswer,
  Message,
} from "../core/messages.js";
import type { Toolbox } from "../core/ports.js";
import { checkSchema } from "../core/schemas/caller-schemas.js";
import { type TraceContext, traceOf } from "../core/trace-context.js";
import type { Llm } from "../llm/changing-client.js";
import type { CompleteOptions } from "../llm/client.js";
import { runHop } from "./hop.js";
import { LimitGate } from "./limit-gate.js";
import { Loops } from "./loops.js";
import { isCallers, Offered } from "./offered.js";
import { EventQueue, type Outlet, type TurnEnd } from "./outlet.js";
import { pulled } from "./pulled.js";
import { type Bill, billOf, billOfFailed } from "./spending.js";
import { runToolCalls } from "./tool-batch.js";
import { unofferedChoice } from "./tool-use.js";
import { Budget } from "./turn-budget.js";
import { type Answer, abortReason, type TurnOptions } from "./turn-options.js";

export interface CallOptions {
  signal?: AbortSignal;
  /** Recovery from a stream that breaks off after its first delta. Used if `llm.stream_recovery` is `auto`. Default: `fail`. */
  streamRecovery?: StreamRecovery;
  /** Parent span of the completion. Default: the completion starts its own trace. */
  trace?: TraceContext;
  beforeRequest?: CompleteOptions["beforeRequest"];
}

interface HopRun {
  hop: number;
  offered: Offered;
  gate: LimitGate;
  budget: Budget;
  trace: TraceContext;
  out: EventQueue;
  signal: AbortSignal;
  /** Returns the price of a model. The prices of all models that may answer are looked up once per turn. */
  priceOf: Llm["priceOf"];
}

/** Sends requests to the model: a single request (`callOpenAIApi`, `streamOpenAIApi`), or a loop of requests and tool calls (`runTurn`). */
export class Orchestrator {
  readonly #llm: Llm;
  readonly #hub: Toolbox;
  readonly #newId: NewId;

  constructor(parts: { llm: Llm; hub: Toolbox; newId: NewId }) {
    this.#llm = parts.llm;
    this.#hub = parts.hub;
    this.#newId = parts.newId;
  }

  /** Resolves with the whole completion. Retries temporary failures. Rejects with LlmError. */
  callOpenAIApi(request: CompletionRequest, options: CallOptions = {}): Promise<Completion> {
    return this.#post(request, { ...options, streaming: false });
  }

  /**
   * Yields the deltas of a completion as they arrive, then the completion. Failures before the first delta are retried. Later failures are
   * retried only if the caller handles `discard` events, which void the deltas shown so far. Leaving the loop early cancels the request.
   * Throws LlmError.
   */
  streamOpenAIApi(request: CompletionRequest, options: CallOptions = {}): AsyncGenerator<CompletionEvent, undefined> {
    let left: LinkedAbort | undefined;
    const begin = () => {
      left = new LinkedAbort(options.signal);
      const onDelta = (delta: Delta | Discard) => events.push(delta);
      this.#post(request, { ...options, signal: left.signal, streaming: true, onDelta }).then(
        (completion) => {
          events.push({ type: "completion", completion });
          events.close();
        },
        (error: unknown) => events.close({ error }),
      );
    };
    const events = new Channel<CompletionEvent>({ begin, left: () => left?.abort() });
    return events;
  }

  /**
   * Returns the provider and model for a request, the model's context window in tokens, and the maximum number of tools in a request.
   * Throws LlmError.
   */
  facts(model?: string): { provider: string; model: string; contextWindow: number; maxTools: number } {
    const { provider, model: resolved, contextWindow } = this.#llm.resolve(model);
    return { provider: provider.name, model: resolved, contextWindow, maxTools: provider.quirks.maxTools };
  }

  billOf(request: CompletionRequest, completion: Completion): Bill {
    return billOf(request, completion, (provider, model) => this.#llm.priceOf(provider, model));
  }

  billOfFailed(request: CompletionRequest, lost: readonly LostAnswer[]): Bill {
    const message: AssistantMessage = { role: "assistant", content: "", toolCalls: [] };
    const { provider, model } = lost.at(-1) ?? this.facts(request.model);
    return billOfFailed(request, { message, provider, model, lost }, (...named) => this.#llm.priceOf(...named));
  }

  /** True if the prices of all models that may answer are known. */
  isPriced(model?: string): boolean {
    return this.#llm.priced(model).every(({ price }) => price !== undefined);
  }

  #post(request: CompletionRequest, options: CompleteOptions): Promise<Completion> {
    return this.#llm.complete(request, options);
  }

  /**
   * Runs one turn: requests and tool calls until the model is done. `history` ends with the user's message or, if the turn resumes, with
   * the turn's last answer. A failure of a model, a tool or a provider does not throw: the last event is always `turn_end` or `turn_error`.
   *
   * The turn takes its next step only when the consumer asks for the next event. So if the consumer stores each event before asking for the
   * next one, every event is stored before it takes effect.
   *
   * If an answer calls a tool of `callerTools`, the turn ends after this answer. The calls of servers' tools in this answer are still run;
   * the calls of the caller's tools get no result.
   */
  runTurn(history: readonly Message[], options: TurnOptions): AsyncGenerator<ChatEvent | LiveEvent> {
    return pulled(async (outlet, left) => {
      const signal = AbortSignal.any([options.signal, left]);
      await outlet.store(await this.driveTurn(history, { ...options, signal }, outlet));
    });
  }

  /**
   * Runs a turn as `runTurn` does, but pushes its events to `outlet`. Everything that a hop is about to do is stored in one write. Deltas
   * are shown without waiting for writes. Resolves with the last events, which the caller still has to store; the last of them is
   * `turn_end` or `turn_error`. Rejects only if `outlet` does.
   */
  async driveTurn(history: readonly Message[], options: TurnOptions, outlet: Outlet): Promise<readonly ChatEvent[]> {
    const { turnId, signal, rules, model, resume, budget = new Budget(), tools: hub = this.#hub } = options;
    const { trace = traceOf(turnId) } = options;
    const out = new EventQueue(outlet);
    const end = (stopReason: StopReason) => out.endWith({ type: "turn_end", turnId, stopReason });
    const priced = this.#llm.priced(model);
    const unpriced = budget.limitsMoney ? priced.find(({ price }) => !price) : undefined;
    if (unpriced) return out.endWith({ type: "turn_error", turnId, error: errorInfo(noPrice(unpriced.name)) });
    const priceOf: Llm["priceOf"] = (provider, name) => {
      const known = priced.find((each) => each.name === `${provider}/${name}`);
      return known ? known.price : this.#llm.priceOf(provider, name);
    };
    const unusable = options.output && (await checkSchema(options.output.jsonSchema));
    if (unusable)
      return out.endWith({ type: "turn_error", turnId, error: errorInfo(new RequestError("usage", unusable)) });
    const answer: TurnOptions["answer"] = (...asked) => budget.clock.stopDuring(() => options.answer(...asked));
    const asking = { turnId, newId: this.#newId, out, answer };
    const prices = priced.flatMap(({ price }) => price ?? []);
    const gate = new LimitGate({ budget, prices, ...asking });
    if (options.askedLimits?.length) await gate.resume(options.askedLimits);
    const loops = new Loops();
    const calling = { trace, hub, rules, signal, loops, ...asking };
    const offered = new Offered(hub, options);
    const messages: Message[] = [{ role: "system", content: options.system }, ...history];
    let known: Answer | undefined = resume;
    for (let hop = resume?.hop ?? 0; ; hop++) {
      const answered =
        known ?? (await this.#ask(messages, { hop, offered, gate, budget, trace, out, priceOf, signal }, options));
      known = undefined;
      if ("type" in answered) return out.endWith(answered);
      const { calls, finishReason } = answered;
      if (calls.length === 0) {
        return end(gate.stopReason ?? (hop < options.maxToolHops ? stopReasonOf(finishReason) : "max_tool_hops"));
      }
      const own = options.callerTools ? calls.filter(({ call }) => !isCallers(call.name, options)) : calls;
      const fresh = own.filter(({ sent, result }) => !sent && !result).length;
      const pause = gate.beforeCalls(fresh);
      if (pause) await pause;
      const runnable = gate.runnable(fresh);
      const truncated = finishReason === "length";
      addAll(messages, await runToolCalls({ calls: own, hop, runnable, truncated }, calling));
      budget.called(Math.min(runnable, fresh), loops.endHop());
      if (signal.aborted) return end(abortReason(signal));
      if (own.length < calls.length) return end(stopReasonOf(finishReason));
    }
  }

  /** Requests the next answer and appends it to `messages`. Returns the answer or, if the turn ends here, its last event. */
  async #ask(
    messages: Message[],
    { hop, offered, gate, budget, trace, out, priceOf, signal }: HopRun,
    options: TurnOptions,
  ): Promise<Answer | TurnEnd> {
    const { turnId, model, temperature, maxTokens, streaming, streamRecovery, beforeRequest } = options;
    const tools = offered.tools();
    const pause = hop < options.maxToolHops ? gate.beforeRequest({ messages, tools }, hop) : undefined;
    if (pause) await pause;
    const stopReason = gate.stopReason ?? (hop < options.maxToolHops ? undefined : "max_tool_hops");
    const bounds = stopReason ? await gate.lastRequest({ messages, tools }) : {};
    if (!bounds && !signal.aborted) return { type: "turn_end", turnId, stopReason: stopReason ?? "budget" };
    const toolChoice = stopReason ? "none" : hop === 0 ? options.toolChoice : undefined;
    const unoffered = toolChoice && unofferedChoice(toolChoice, tools);
    if (unoffered) return { type: "turn_error", turnId, error: errorInfo(unoffered) };
    const use = { tools, toolChoice, parallelToolCalls: options.parallelToolCalls, output: options.output };
    const most = Math.min(maxTokens ?? Number.POSITIVE_INFINITY, bounds?.maxTokens ?? Number.POSITIVE_INFINITY);
    const bound = Number.isFinite(most) ? { maxTokens: most } : {};
    const request = { messages, ...use, model, temperature, ...bound, conversation: options.conversation };
    const { record, stopSequences } = options;
    const uncutTokens = hop === 0 ? options.uncutTokens : undefined;
    const shared = { llm: this.#llm, turnId, signal, trace, streaming, streamRecovery, beforeRequest, out, priceOf };
    const asked = { ...shared, record, stopSequences, uncutTokens };
    let answered = await runHop(request, asked);
    if (answered.type === "assistant_message" && saidNothing(answered, request)) {
      budget.spend(answered.spent);
      answered = await runHop({ ...request, tools: [] }, asked);
    }
    if (answered.type !== "assistant_message") return answered;
    const { message, finishReason, spent } = answered;
    budget.spend(spent);
    messages.push(message);
    return { finishReason, calls: message.toolCalls.map((call) => ({ call, planned: false, sent: false })) };
  }
}

/**
 * True if the model called tools and wrote no text, although `tool_choice` was `none`; some servers ignore this parameter. In this case,
 * the caller repeats the request without tools, so that the model has to write text.
 */
function saidNothing({ message, finishReason }: AssistantMessageEvent, request: CompletionRequest): boolean {
  const isForbidden = request.toolChoice === "none" && request.tools.length > 0;
  return isForbidden && finishReason === "tool_calls" && message.content.trim() === "";
}

function noPrice(model: string): RequestError {
  return new RequestError("usage", `a limit in US dollars cannot be kept: the price of ${model} is not known`, {
    hint: `Set llm.prices."${model}" to {input: …, output: …}, US dollars per million tokens, or take usd out of chat.limits.`,
  });
}

function stopReasonOf(finishReason: Completion["finishReason"]): StopReason {
  if (finishReason === "length") return "max_tokens";
  if (finishReason === "content_filter") return "refusal";
  return "end_turn";
}

import { LinkedAbort } from "../core/async/abort.js";
import { Channel } from "../core/async/channel.js";
import type { StreamRecovery } from "../core/config.js";
import type { ChatEvent, LiveEvent } from "../core/events.js";
import type { NewId } from "../core/ids.js";
import type { Completion, CompletionEvent, CompletionRequest, Delta, Discard, Message } from "../core/messages.js";
import type { Toolbox } from "../core/ports.js";
import { type TraceContext, traceOf } from "../core/trace-context.js";
import type { CompleteOptions } from "../llm/call/call.js";
import type { LlmClient } from "../llm/client.js";
import { driveTurn } from "./loop.js";
import { Loops } from "./loops.js";
import { EventQueue, type Outlet, pulled } from "./outlet.js";
import type { PolicyRules } from "./policy.js";
import { type Bill, billOf, TurnPrices } from "./spending.js";
import { Budget } from "./turn-budget.js";
import type { AnswerTo, ResumedAnswer, TurnChoices, TurnContext } from "./turn-context.js";

export interface CallOptions {
  signal?: AbortSignal;
  /** Recovery from a stream that breaks off after its first delta. Used if `llm.stream_recovery` is `auto`. Default: `fail`. */
  streamRecovery?: StreamRecovery;
  /** Parent span of the completion. Default: the completion starts its own trace. */
  trace?: TraceContext;
  beforeRequest?: CompleteOptions["beforeRequest"];
}

/** Options of `runTurn`. The only limit of such a turn is the one for loops. */
export interface TurnOptions
  extends TurnChoices,
    Pick<TurnContext, "turnId" | "streaming" | "maxToolHops" | "beforeRequest"> {
  /** Span of the turn. Default: the root span of a trace derived from the turn's id. */
  trace?: TraceContext;
  /** Name under which providers cache the beginning of the turn's prompts. */
  conversation?: string;
  system: string;
  resume?: ResumedAnswer;
  rules: PolicyRules;
  /** Tools of the turn. Default: those of the orchestrator's own hub. */
  tools?: Toolbox;
  signal: AbortSignal;
  /** Never rejects. */
  answer: AnswerTo;
}

/** Sends requests to the model: a single request (`callOpenAIApi`, `streamOpenAIApi`), or a loop of requests and tool calls (`runTurn`). */
export class Orchestrator {
  /** @internal */
  readonly llm: LlmClient;
  readonly #hub: Toolbox;
  readonly #newId: NewId;

  constructor(parts: { llm: LlmClient; hub: Toolbox; newId: NewId }) {
    this.llm = parts.llm;
    this.#hub = parts.hub;
    this.#newId = parts.newId;
  }

  /** Resolves with the whole completion. Retries temporary failures. Rejects with LlmError. */
  callOpenAIApi(request: CompletionRequest, options: CallOptions = {}): Promise<Completion> {
    return this.llm.complete(request, { ...options, streaming: false });
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
      this.llm.complete(request, { ...options, signal: left.signal, streaming: true }, onDelta).then(
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
    const { provider, model: resolved, contextWindow } = this.llm.resolve(model);
    return { provider: provider.name, model: resolved, contextWindow, maxTools: provider.quirks.maxTools };
  }

  billOf(request: CompletionRequest, completion: Completion): Bill {
    return billOf(request, completion, this.llm);
  }

  /**
   * Runs one turn: requests and tool calls until the model is done; see `driveTurn`. `history` ends with the user's message or, if the turn
   * resumes, with the turn's last answer. A failure of a model, a tool or a provider does not throw: the last event is always `turn_end` or
   * `turn_error`.
   *
   * The turn takes its next step only when the consumer asks for the next event. So if the consumer stores each event before asking for the
   * next one, every event is stored before it takes effect.
   */
  runTurn(history: readonly Message[], options: TurnOptions): AsyncGenerator<ChatEvent | LiveEvent> {
    return pulled(async (outlet, left) => {
      const { system, resume } = options;
      const messages: Message[] = [{ role: "system", content: system }, ...history];
      await outlet.store(await driveTurn(this.#contextOf(options, outlet, left), { messages, resume }));
    });
  }

  #contextOf(options: TurnOptions, outlet: Outlet, left: AbortSignal): TurnContext {
    const {
      turnId,
      streaming,
      streamRecovery,
      maxToolHops,
      rules,
      beforeRequest,
      trace = traceOf(turnId),
      tools = this.#hub,
    } = options;
    const budget = new Budget();
    return {
      ...{ turnId, options, streaming, streamRecovery, maxToolHops, rules, beforeRequest, trace, tools, budget },
      promptCacheName: options.conversation,
      llm: this.llm,
      newId: this.#newId,
      signal: AbortSignal.any([options.signal, left]),
      prices: new TurnPrices(this.llm, options.model),
      loops: new Loops(),
      out: new EventQueue(outlet),
      answer: (...asked) => budget.clock.stopDuring(() => options.answer(...asked)),
    };
  }
}

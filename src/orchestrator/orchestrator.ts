import { Channel } from "../core/channel.js";
import type {
  AssistantMessage,
  ChatEvent,
  Completion,
  CompletionEvent,
  CompletionRequest,
  Delta,
  FinishReason,
  LiveEvent,
  Message,
  QuestionEvent,
  StartedCall,
  StopReason,
  ToolDefinition,
} from "../core/chat.js";
import type { StreamRecovery } from "../core/config.js";
import { errorInfo, LlmError } from "../core/errors.js";
import type { NewId } from "../core/ids.js";
import type { ToolHub } from "../core/ports.js";
import type { CompleteOptions, LlmClient } from "../llm/client.js";
import { matchesTool, type PolicyRules } from "./policy.js";
import { runToolCalls } from "./tools.js";

export interface CallOptions {
  signal?: AbortSignal;
  /** What happens to a stream that breaks off after its first delta, where `llm.stream_recovery` leaves it open. Default: `fail`. */
  streamRecovery?: StreamRecovery;
}

export interface TurnOptions {
  turnId: string;
  system: string;
  model?: string;
  streaming: boolean;
  /** Whether the watcher can void what it has shown. */
  streamRecovery?: StreamRecovery;
  /** Model requests that may use tools. One more, without tools, follows so that the user gets an answer. */
  maxToolHops: number;
  /** Where the turn goes on after a process died: its last answer, which the history ends with, and what became of that one's calls. */
  resume?: { hop: number; finishReason: FinishReason; calls: readonly StartedCall[] };
  rules: PolicyRules;
  signal: AbortSignal;
  /** Waits for the answer to a `question` event that was just yielded; `false` when the turn is cancelled meanwhile. Never rejects. */
  answer: (question: QuestionEvent) => Promise<unknown>;
}

type Answer = Pick<NonNullable<TurnOptions["resume"]>, "finishReason" | "calls">;

/** Aborting a turn's signal with this reason ends it as `budget`, not as `cancelled`. */
export class TimeLimitReached extends Error {}

/** Talks to the model, once (`callOpenAIApi`, `streamOpenAIApi`) or in a loop with tools (`runTurn`). */
export class Orchestrator {
  readonly #llm: LlmClient;
  readonly #hub: ToolHub;
  readonly #newId: NewId;

  constructor(parts: { llm: LlmClient; hub: ToolHub; newId: NewId }) {
    this.#llm = parts.llm;
    this.#hub = parts.hub;
    this.#newId = parts.newId;
  }

  /** One completion, whole. Retries what can be retried; throws LlmError. */
  callOpenAIApi(request: CompletionRequest, options: CallOptions = {}): Promise<Completion> {
    return this.#post(request, { ...options, streaming: false });
  }

  /**
   * The same completion, shown as it is written: deltas, then the completion. Retries until the first delta was shown, and
   * after it only where a `discard` may void what was shown. Leaving the loop early cancels the request. Throws LlmError.
   */
  async *streamOpenAIApi(request: CompletionRequest, options: CallOptions = {}): AsyncGenerator<CompletionEvent> {
    const left = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
    const events = new Channel<CompletionEvent>();
    this.#post(request, { ...options, signal, streaming: true, onDelta: (delta) => events.push(delta) }).then(
      (completion) => {
        events.push({ type: "completion", completion });
        events.close();
      },
      (error: unknown) => events.close({ error }),
    );
    try {
      yield* events;
    } finally {
      left.abort();
    }
  }

  /** Tokens that the model can take, as far as the host knows. */
  contextWindow(model?: string): number {
    return this.#llm.resolve(model).contextWindow;
  }

  /** The one way to the model. */
  #post(request: CompletionRequest, options: CompleteOptions): Promise<Completion> {
    return this.#llm.complete(request, options);
  }

  /**
   * One turn: requests and tool calls until the model is done. The history ends with the user's message, or with the answer that the
   * turn goes on from. Never throws for
   * what a model, a tool or a provider did: the last event is always `turn_end` or `turn_error`. The next step is taken
   * only when the consumer asks for the next event, so an event that was stored before asking is stored before it takes effect.
   */
  async *runTurn(history: readonly Message[], options: TurnOptions): AsyncGenerator<ChatEvent | LiveEvent> {
    const { turnId, signal, resume } = options;
    const messages: Message[] = [{ role: "system", content: options.system }, ...history];
    let known = resume;
    for (let hop = resume?.hop ?? 0; ; hop++) {
      const lastHop = hop >= options.maxToolHops;
      const tools = lastHop ? [] : this.#offeredTools(options.rules);
      const answer = known ?? (yield* this.#ask({ messages, tools, model: options.model }, options));
      known = undefined;
      if (!answer) return;
      const { calls, finishReason } = answer;
      if (calls.length === 0) {
        yield { type: "turn_end", turnId, stopReason: lastHop ? "max_tool_hops" : stopReasonOf(finishReason) };
        return;
      }
      const batch = {
        turnId,
        hop,
        hub: this.#hub,
        rules: options.rules,
        signal,
        newId: this.#newId,
        answer: options.answer,
        truncated: finishReason === "length",
      };
      messages.push(...(yield* runToolCalls(calls, batch)));
      if (signal.aborted) {
        yield { type: "turn_end", turnId, stopReason: abortReason(signal) };
        return;
      }
    }
  }

  /** As `#hop`, with the answer added to the messages. */
  async *#ask(
    request: CompletionRequest & { messages: Message[] },
    options: TurnOptions,
  ): AsyncGenerator<ChatEvent | LiveEvent, Answer | undefined> {
    const completion = yield* this.#hop(request, options);
    if (!completion) return undefined;
    const { message, finishReason } = completion;
    request.messages.push(message);
    return { finishReason, calls: message.toolCalls.map((call) => ({ call, planned: false, sent: false })) };
  }

  /** One request of a turn. Yields its deltas and its message; after a failure also the turn's end, and returns nothing. */
  async *#hop(
    request: CompletionRequest,
    { turnId, signal, streaming, streamRecovery }: TurnOptions,
  ): AsyncGenerator<ChatEvent | LiveEvent, Completion | undefined> {
    let shown: Delta[] = [];
    const events = streaming
      ? this.streamOpenAIApi(request, { signal, streamRecovery })
      : this.#whole(request, { signal });
    try {
      for await (const event of events) {
        if (event.type === "completion") {
          const { message, ...facts } = withoutUnaskedCalls(event.completion, request.tools);
          yield { type: "assistant_message", turnId, message, ...facts };
          return { message, ...facts };
        }
        if (event.type === "discard") shown = [];
        else shown.push(event);
        yield event;
      }
    } catch (error) {
      if (shown.length > 0) {
        const { provider, model } = this.#llm.resolve(request.model);
        const attempts = (error instanceof LlmError ? error.attempts : undefined) ?? 1;
        const facts = { finishReason: "unknown", provider: provider.name, model, attempts } as const;
        yield { type: "assistant_message", turnId, message: partialMessage(shown), ...facts, interrupted: true };
      }
      if (signal.aborted) yield { type: "turn_end", turnId, stopReason: abortReason(signal) };
      else yield { type: "turn_error", turnId, error: errorInfo(error) };
      return undefined;
    }
    throw new LlmError("protocol", "the model's stream ended without a completion");
  }

  async *#whole(request: CompletionRequest, options: CallOptions): AsyncGenerator<CompletionEvent> {
    yield { type: "completion", completion: await this.callOpenAIApi(request, options) };
  }

  /** Re-read at every hop: a server that has got ready meanwhile joins the running turn. */
  #offeredTools(rules: PolicyRules): readonly ToolDefinition[] {
    const tools = this.#hub.tools();
    return rules.deny.length === 0 ? tools : tools.filter((tool) => !matchesTool(rules.deny, tool));
  }
}

/** A model may call tools that it was not offered (the last hop offers none); such a call would never get its result. */
function withoutUnaskedCalls(completion: Completion, offered: readonly ToolDefinition[]): Completion {
  if (offered.length > 0 || completion.message.toolCalls.length === 0) return completion;
  return { ...completion, message: { ...completion.message, toolCalls: [] } };
}

function partialMessage(shown: readonly Delta[]): AssistantMessage {
  const join = (type: Delta["type"]) =>
    shown
      .filter((delta) => delta.type === type)
      .map(({ delta }) => delta)
      .join("");
  const reasoning = join("reasoning_delta");
  return { role: "assistant", content: join("text_delta"), ...(reasoning ? { reasoning } : {}), toolCalls: [] };
}

function stopReasonOf(finishReason: Completion["finishReason"]): StopReason {
  if (finishReason === "length") return "max_tokens";
  if (finishReason === "content_filter") return "refusal";
  return "end_turn";
}

function abortReason(signal: AbortSignal): StopReason {
  return signal.reason instanceof TimeLimitReached ? "budget" : "cancelled";
}

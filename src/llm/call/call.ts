import { TotalTimeout } from "../../core/async/abort.js";
import type { HttpConfig, StreamRecovery } from "../../core/config.js";
import type { LlmError } from "../../core/errors.js";
import type { NewId } from "../../core/ids.js";
import type { Completion, CompletionRequest, KeptParts, LostAnswer } from "../../core/messages.js";
import { waitText } from "../../core/text/durations.js";
import { bytesPerToken } from "../../core/token-usage.js";
import { spanWithin, type TraceContext } from "../../core/trace-context.js";
import { type Headers, requestIdOf } from "../connection/hints.js";
import type { Lane } from "../limits/lane.js";
import type { Slot } from "../limits/limiter.js";
import type { Provider, ResolvedModel } from "../providers/providers.js";
import type { CompletionMeasure } from "../shared/completion-measure.js";
import { failure, statedIn } from "../shared/llm-errors.js";
import type { Showing } from "../shared/showing.js";
import { callIdsIn } from "../wires/shared/tool-ids.js";
import type { AnswerFold } from "../wires/wire.js";
import type { RequestBody, RequestDraft } from "./request-draft.js";

interface Tally {
  sent: number;
  retries: number;
  lost: LostAnswer[];
}

export interface CompleteOptions {
  streaming: boolean;
  signal?: AbortSignal;
  /** Recovery from a stream that breaks off after its first delta. Applies where `llm.stream_recovery` is `auto`. Default: `fail`. */
  streamRecovery?: StreamRecovery;
  /** Parent of the completion's span. Default: a new trace. */
  trace?: TraceContext | undefined;
  /**
   * Called before each request, including retries. If it returns a promise, the request is sent when the promise resolves. If the promise rejects,
   * the request is not sent, and the rejection counts as a failed connection unless it is an LlmError. To stop the completion, abort `signal` first.
   */
  beforeRequest?: (() => Promise<void> | undefined) | undefined;
}

/** A completion, which may take calls to several providers. */
export interface ProviderCallOptions {
  readonly http: HttpConfig;
  readonly newId: NewId;
  readonly request: CompletionRequest;
  /** The options of the completion, as the caller gave them. */
  readonly asked: CompleteOptions;
  readonly showing: Showing;
  /** True if an answer that breaks off may start again although text of it was shown. A `discard` then voids that text. */
  readonly restart: boolean;
  readonly tally: Tally;
  readonly completionId: string;
  /** Undefined if nothing is measured. */
  readonly measure: CompletionMeasure | undefined;
  /** Aborted by the caller or by the total time limit. */
  readonly signal: AbortSignal;
  readonly totalTimeoutMs: number;
  /** Time of `steadyNow`. */
  readonly deadlineAt: number;
}

/**
 * One completion requested from one provider, with the state that all its attempts share. It is a class, because axios carries it in its
 * request configuration and copies plain objects.
 */
export class ProviderCall {
  readonly provider: Provider;
  readonly model: string;
  /** The provider's lane, and the call's slot in it. Set before the first request. */
  lane: Lane | undefined;
  slot: Slot | undefined;
  /** See `FoldOptions`. */
  onBegun: (() => void) | undefined;
  sent = 0;
  retries = 0;
  /** Time of the last request, from `steadyNow`. */
  sentAt = 0;
  key: string | undefined;
  gaveUp = false;
  /** True for the second of two requests that race for the first byte. It is not retried. */
  isHedge = false;
  response: { readonly headers: Headers } | undefined;
  delayMs = 0;
  hasAskedOnceMore = false;
  /**
   * True after the server had closed the pooled connection of a request, so that the request was sent again on a new one. If that happens
   * once more, it counts as a failure.
   */
  replacedSocket = false;
  /** True if the provider has paused the answer, and continues it when it is sent back. */
  isPaused = false;

  constructor(
    { provider, model }: Pick<ResolvedModel, "provider" | "model">,
    readonly options: ProviderCallOptions,
    readonly draft: RequestDraft,
    /** Id that all attempts share, so that provider and logs recognise a repeated request. */
    readonly requestId: string,
  ) {
    this.provider = provider;
    this.model = model;
  }

  get body(): RequestBody {
    return this.draft.body;
  }

  /**
   * Learns from a refusal. Returns true if the request body has changed. The request is then sent again at once, which does not count as a
   * retry.
   */
  correct(refusal: LlmError): boolean {
    const said = refusal.kind === "bad_request" ? statedIn(refusal) : undefined;
    if (!said || !this.draft.correct(said)) return false;
    this.gaveUp = false;
    return true;
  }

  /** The span of the call. It is created on each access: stored spans would take memory for each of a thousand waiting streams. */
  get trace(): TraceContext {
    const { measure, asked, completionId } = this.options;
    return measure?.trace ?? spanWithin(asked.trace, completionId);
  }

  /** True if a whole answer is requested although the caller wants a stream, because the provider refuses to stream. */
  get replacesStream(): boolean {
    return this.options.asked.streaming && !this.draft.streaming;
  }

  /** Number of HTTP requests sent so far for the completion, to all providers. */
  get attempts(): number {
    return this.options.tally.sent;
  }

  get theirRequestId(): string | undefined {
    return this.response && requestIdOf(this.response.headers);
  }

  begin(steadyNow: () => number): void {
    this.sent++;
    this.options.tally.sent++;
    this.sentAt = steadyNow();
    this.key = this.lane?.keys.next(this.options.request.conversation);
  }

  /** Converts the whole answer into a completion. Notes what the provider has accepted, and the tokens that it has counted. */
  complete(fold: AnswerFold): Completion {
    const { provider, model, attempts, draft } = this;
    const { request, newId } = this.options;
    const answer = fold.finish(() => newId("call"), callIdsIn(request.messages));
    const { message, finishReason, usage, parts, isPaused = false } = answer;
    this.isPaused = isPaused;
    draft.accepted();
    if (usage) draft.counted(usage.inputTokens);
    const isFiltered = finishReason === "content_filter";
    // An answer that was cut off within a tool call may lack the signatures of its reasoning, so its parts must not be sent back later.
    const isCut = finishReason === "length" && message.toolCalls.length > 0;
    if (parts && !isCut && !isFiltered) message.kept = draft.kept(parts);
    // The calls of a filtered answer are dropped, because they may be incomplete and the provider has refused them.
    if (isFiltered) message.toolCalls = [];
    const asked = { provider: provider.name, model, attempts };
    return usage ? { message, finishReason, usage, ...asked } : { message, finishReason, ...asked };
  }

  /** Records the usage of an answer that broke off. `fold` holds the part that had arrived. */
  lose(fold: AnswerFold): void {
    const usage = lostUsage(fold);
    if (usage) this.options.tally.lost.push({ provider: this.provider.name, model: this.model, usage });
  }

  /** Returns the parts of an interrupted answer that the provider needs in later requests, besides the text. Undefined if it needs none. */
  keptOfBroken(fold: AnswerFold): KeptParts | undefined {
    const parts = fold.brokenParts?.();
    return parts && this.draft.kept(parts);
  }

  hedge(slot: Slot): ProviderCall {
    const hedge = new ProviderCall(this, this.options, this.draft, this.requestId);
    hedge.lane = this.lane;
    hedge.slot = slot;
    hedge.isHedge = true;
    return hedge;
  }

  aborted(): LlmError {
    const { signal, totalTimeoutMs } = this.options;
    if (!(signal.reason instanceof TotalTimeout)) return failure("aborted", "cancelled", this, { hint: "" });
    const said = `no complete answer within ${waitText(totalTimeoutMs)} (llm.http.total_timeout)`;
    return failure("total_timeout", said, this, { hint: "Try again, or raise llm.http.total_timeout." });
  }
}

/** Estimates the usage that is billed for an answer that broke off. Returns undefined if nothing of the answer had arrived. */
function lostUsage(fold: AnswerFold): LostAnswer["usage"] | undefined {
  let ids = 0;
  const { message, usage } = fold.finish(
    () => `lost_${ids++}`,
    () => false,
  );
  const { content, reasoning = "", toolCalls } = message;
  const said = [content, reasoning, ...toolCalls.map((call) => call.arguments)].join("");
  if (!usage && said === "") return undefined;
  const outputTokens = Math.max(usage?.outputTokens ?? 0, Math.ceil(Buffer.byteLength(said) / bytesPerToken));
  return { ...usage, outputTokens };
}

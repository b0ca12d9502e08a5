import { type CallSignal, TotalTimeout } from "../../core/call-signal.js";
import type { CompletionRequest, LostAnswer } from "../../core/chat.js";
import type { HttpConfig } from "../../core/config.js";
import type { LlmError } from "../../core/errors.js";
import type { Slot } from "../../core/shared-limits.js";
import { spanWithin, type TraceContext } from "../../core/trace-context.js";
import { lostUsage } from "../answer/lost-usage.js";
import type { CompletionMeasure } from "../completion-measure.js";
import { duration, failure, statedIn } from "../errors.js";
import type { Lane } from "../limits/lane.js";
import type { Provider, ResolvedModel } from "../providers/providers.js";
import type { Showing } from "../showing.js";
import type { RequestBody } from "../wires/shared/request-body.js";
import type { AnswerFold } from "../wires/wire.js";
import type { Draft } from "./draft.js";
import { type Headers, requestIdOf } from "./hints.js";

/** What a completion has used so far, over all providers that were asked for it. */
interface Tally {
  /** HTTP requests. */
  sent: number;
  retries: number;
  lost: LostAnswer[];
}

export interface CallOptions {
  http: HttpConfig;
  request: CompletionRequest;
  streaming: boolean;
  showing: Showing;
  /** What was shown may be voided, see `Attempts.answer`. */
  restart: boolean;
  tally: Tally;
  /** Names the completion over all its requests. */
  completionId: string;
  /** The span that the completion is part of. */
  within: TraceContext | undefined;
  /** Undefined: nobody listens. */
  measure: CompletionMeasure | undefined;
  beforeRequest: (() => Promise<void> | undefined) | undefined;
  /** Aborted by the caller or by the total time limit. */
  signal: CallSignal;
  totalTimeoutMs: number;
  /** Milliseconds since the epoch. */
  deadlineAt: number;
}

/** Where a call was let in. */
interface Place {
  lane: Lane;
  slot: Slot;
}

/**
 * One provider being asked for one completion: what all its attempts share, before and after the response headers. A class,
 * because it rides on axios' request configuration, and axios copies plain objects.
 */
export class Call {
  readonly provider: Provider;
  readonly model: string;
  /** Set before the first request. */
  place: Place | undefined;
  /** HTTP requests sent to this provider. */
  sent = 0;
  /** Those of them that were planned after a failure. */
  retries = 0;
  /** When the last one was sent, milliseconds since the epoch, and with which key. */
  sentAt = 0;
  key: string | undefined;
  /** The last failure was final. */
  gaveUp = false;
  /** A second request in the race for the first byte. It is not repeated. */
  isHedge = false;
  /** The one that is being read. */
  response: { readonly headers: Headers } | undefined;
  /** Pause before the attempt that is planned. */
  delayMs = 0;
  /** The model was asked once more, since its answer could not be used. */
  hasAskedOnceMore = false;
  /** A pooled connection that the server had closed was already replaced without a pause; the next time is no accident. */
  replacedSocket = false;

  constructor(
    { provider, model }: Pick<ResolvedModel, "provider" | "model">,
    readonly options: CallOptions,
    readonly draft: Draft,
    /** The same for all attempts, so that provider and logs can tell a repeated request from a new one. */
    readonly requestId: string,
  ) {
    this.provider = provider;
    this.model = model;
  }

  get body(): RequestBody {
    return this.draft.body;
  }

  /**
   * True when the refusal taught how the provider wants to be spoken to: the body is another one now, to be sent at once.
   * Nothing failed, and so that is no retry.
   */
  correct(refusal: LlmError): boolean {
    const said = refusal.kind === "bad_request" ? statedIn(refusal) : undefined;
    if (!said || !this.draft.correct(said)) return false;
    this.gaveUp = false;
    return true;
  }

  /** The completion's span. Made for each request: a thousand streams that wait would hold a thousand of them. */
  get trace(): TraceContext {
    const { measure, within, completionId } = this.options;
    return measure?.trace ?? spanWithin(within, completionId);
  }

  /** HTTP requests sent so far for the completion, to this provider and others. */
  get attempts(): number {
    return this.options.tally.sent;
  }

  /** What the provider calls the request whose answer is being read. */
  get theirRequestId(): string | undefined {
    return this.response && requestIdOf(this.response.headers);
  }

  /** Counts a request that is about to be sent. */
  begin(now: () => number): void {
    this.sent++;
    this.options.tally.sent++;
    this.sentAt = now();
    this.key = this.place?.lane.keys.next(this.options.request.conversation);
  }

  /** Notes an answer that broke off. `fold`: what had come of it. */
  lose(fold: AnswerFold): void {
    const usage = lostUsage(fold);
    if (usage) this.options.tally.lost.push({ provider: this.provider.name, model: this.model, usage });
  }

  /** The same call, for one request from another place. */
  hedge(place: Place): Call {
    const hedge = new Call(this, this.options, this.draft, this.requestId);
    hedge.place = place;
    hedge.isHedge = true;
    return hedge;
  }

  /** Why the signal was aborted. */
  aborted(): LlmError {
    const { signal, totalTimeoutMs } = this.options;
    if (!(signal.reason instanceof TotalTimeout)) return failure("aborted", "cancelled", this, { hint: "" });
    const said = `no complete answer within ${duration(totalTimeoutMs)} (llm.http.total_timeout)`;
    return failure("total_timeout", said, this, { hint: "Try again, or raise llm.http.total_timeout." });
  }
}

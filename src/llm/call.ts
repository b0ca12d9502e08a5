import type { HttpConfig } from "../core/config.js";
import type { LlmError } from "../core/errors.js";
import { duration, failure } from "./errors.js";
import type { Provider, ResolvedModel } from "./providers.js";

/** Aborting a call's signal with this reason makes it fail as `total_timeout`, not as `aborted`. */
export class TotalTimeout extends Error {}

interface CallOptions {
  http: HttpConfig;
  /** The same for all attempts, so that provider and logs can tell a repeated request from a new one. */
  requestId: string;
  streaming: boolean;
  /** Aborted by the caller or by the total time limit. */
  signal: AbortSignal;
  totalTimeoutMs: number;
  /** Milliseconds since the epoch. */
  deadlineAt: number;
}

/**
 * One completion in the making: what all its attempts share, before and after the response headers. A class, because it
 * rides on axios' request configuration, and axios copies plain objects.
 */
export class Call {
  readonly provider: Provider;
  readonly model: string;
  /** HTTP requests sent so far. */
  attempts = 0;
  /** What the provider calls the request whose answer is being read. */
  theirRequestId: string | undefined;
  /** Pause before the attempt that is planned. */
  delayMs = 0;
  /** A pooled connection that the server had closed was already replaced without a pause; the next time is no accident. */
  replacedSocket = false;

  constructor(
    { provider, model }: ResolvedModel,
    readonly options: CallOptions,
    /** Serialised once for all attempts; dropped when no further attempt can follow. */
    public body: Buffer | undefined,
  ) {
    this.provider = provider;
    this.model = model;
  }

  /** Why the signal was aborted. */
  aborted(): LlmError {
    const { signal, totalTimeoutMs } = this.options;
    if (!(signal.reason instanceof TotalTimeout)) return failure("aborted", "cancelled", this, { hint: "" });
    const said = `no complete answer within ${duration(totalTimeoutMs)} (llm.http.total_timeout)`;
    return failure("total_timeout", said, this, { hint: "Try again, or raise llm.http.total_timeout." });
  }
}

/**
 * Recognises repeated attempts of calls that have run tools. Some clients retry a call after a timeout or a lost connection, and some of
 * them count the attempts (`http/clients.ts`). If these clients send an X-Request-Id, it differs in each attempt, so the calls are
 * recognised by their content.
 */
import { createHash } from "node:crypto";
import { earlierAttempts, foreignClient } from "../clients.js";
import type { ApiCall } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { callContextOf } from "./call-headers.js";

/** Time for which an attempt that has run tools is remembered, in ms. Clients wait 10 minutes for an answer by default. */
const ranForMs = 15 * 60_000;
/** Time in which a client sends the next attempt, in ms. Clients wait at most about a minute between two attempts. */
const nextWithinMs = 2 * 60_000;
const mostKept = 10_000;

export interface Attempt {
  /** Records that a tool is about to run. */
  ranTools(requestId: string): void;
}

export class RepeatedCalls {
  /** Attempts that have run tools. They stay here after their answer was sent, because the client may not have received it. */
  readonly #ran: RecentAttempts;
  /**
   * Attempts that failed before they ran a tool. Each permits one retry. Without them, such a retry would be refused if an identical call
   * of the same user has run tools a few minutes earlier.
   */
  readonly #failed: RecentAttempts;
  /**
   * Attempts that have run tools and whose client left before the whole answer was sent. A client that retries without counting retries
   * only these. If it repeats an answered call, its user has asked again.
   */
  readonly #left: RecentAttempts;

  constructor(now: () => number) {
    this.#ran = new RecentAttempts(ranForMs, now);
    this.#failed = new RecentAttempts(nextWithinMs, now);
    this.#left = new RecentAttempts(nextWithinMs, now);
  }

  /**
   * Runs an attempt of a call. `attempt` is undefined if the client is not known to retry by itself. Rejects with ApiError, without running
   * the attempt, if an earlier attempt has run tools that this attempt would run again.
   */
  async during(call: ApiCall, run: (attempt: Attempt | undefined) => Promise<Response>): Promise<Response> {
    const counted = earlierAttempts(call.header);
    const isUncounted = foreignClient(call.header)?.retriesUncounted === true;
    if (counted === undefined && !isUncounted) return run(undefined);
    const count = counted ?? 0;
    if (isUncounted) requireHarmless(call, this.#left);
    if (count > 0 && !this.#takeFailed(call, count - 1)) requireHarmless(call, this.#ran);
    /** This attempt, once it has run a tool. */
    let thisAttempt: KnownAttempt | undefined;
    let isAccepted = false;
    const noteLeft = () => {
      if (thisAttempt && call.gone.aborted) this.#left.add(thisAttempt);
    };
    call.gone.addEventListener("abort", noteLeft);
    try {
      const response = await run({
        ranTools: (requestId) => {
          thisAttempt ??= { digest: digestOf(call), count, requestId };
          this.#ran.add(thisAttempt);
          noteLeft(); // the client may have left just before the tool began
        },
      });
      isAccepted = response.ok;
      return response;
    } finally {
      if (!isAccepted && !thisAttempt) this.#failed.add({ digest: digestOf(call), count });
    }
  }

  /** Forgets an attempt of this call with this count that failed before it ran a tool. Returns false if there was none. */
  #takeFailed(call: ApiCall, count: number): boolean {
    const failed = this.#failed.of(digestOf(call)).find((attempt) => attempt.count === count);
    if (failed) this.#failed.delete(failed);
    return failed !== undefined;
  }
}

/**
 * Throws ApiError if this attempt would run the tools of one of the earlier attempts again. An attempt with an id of the client's own
 * continues the earlier attempt.
 */
function requireHarmless(call: ApiCall, earlier: RecentAttempts): void {
  if (earlier.isEmpty || call.header("idempotency-key") !== undefined) return;
  const { requestId } = callContextOf(call.header);
  const same = earlier.of(digestOf(call));
  if (same.length === 0 || same.some((attempt) => attempt.requestId === requestId)) return;
  const text =
    "An earlier attempt of this call has run tools, and a repetition would run them again; with an Idempotency-Key or X-Request-Id, the same in all attempts, it continues where it was.";
  throw new ApiError(400, "tools_have_run", text);
}

interface KnownAttempt {
  digest: string;
  count: number;
  requestId?: string;
}

/** Attempts that were added within the last `keptMs`, at most `mostKept`. */
class RecentAttempts {
  readonly #keptMs: number;
  readonly #now: () => number;
  /** Times at which the attempts were added last. The oldest attempt comes first. */
  readonly #addedAt = new Map<KnownAttempt, number>();

  constructor(keptMs: number, now: () => number) {
    this.#keptMs = keptMs;
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#addedAt.size === 0;
  }

  add(attempt: KnownAttempt): void {
    this.#addedAt.delete(attempt);
    this.#addedAt.set(attempt, this.#now());
    this.#forgetOld();
  }

  delete(attempt: KnownAttempt): void {
    this.#addedAt.delete(attempt);
  }

  of(digest: string): KnownAttempt[] {
    this.#forgetOld();
    return [...this.#addedAt.keys()].filter((attempt) => attempt.digest === digest);
  }

  #forgetOld(): void {
    const before = this.#now() - this.#keptMs;
    for (const [attempt, at] of this.#addedAt) {
      if (at > before && this.#addedAt.size <= mostKept) return;
      this.#addedAt.delete(attempt);
    }
  }
}

function digestOf({ request, header, body }: ApiCall): string {
  const text = JSON.stringify([request.url, header("x-conversation-id"), header("x-mcp-tools"), body]);
  return createHash("sha256").update(text).digest("base64url");
}

/**
 * Recognises repeated attempts of calls that have run tools. OpenAI's and Anthropic's clients retry a call after a timeout or a lost
 * connection, and count the attempts in a header. If these clients send an X-Request-Id, it differs in each attempt, so the calls are
 * recognised by their content.
 */
import { createHash } from "node:crypto";
import type { ApiCall } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { idsOf } from "./call-headers.js";

/** Header in which these clients send the number of earlier attempts. Stainless is the tool that generates the clients. */
const retryCount = "x-stainless-retry-count";
/** Time for which an attempt that has run tools is remembered, in ms. Clients wait 10 minutes for an answer by default. */
const ranForMs = 15 * 60_000;
/** Time for which a failed attempt is remembered, in ms. Clients wait at most a minute between two attempts. */
const failedForMs = 2 * 60_000;
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

  constructor(now: () => number) {
    this.#ran = new RecentAttempts(ranForMs, now);
    this.#failed = new RecentAttempts(failedForMs, now);
  }

  /**
   * Runs an attempt of a call. `attempt` is undefined if the client does not count its attempts. Rejects with ApiError, without running the
   * attempt, if an earlier attempt has run tools that this attempt would run again.
   */
  async during(call: ApiCall, run: (attempt: Attempt | undefined) => Promise<Response>): Promise<Response> {
    const header = call.header(retryCount);
    if (header === undefined) return run(undefined);
    const count = Number(header);
    if (count > 0) this.#requireHarmless(call, count);
    let ranTools: KnownAttempt | undefined;
    let isAccepted = false;
    try {
      const response = await run({
        ranTools: (requestId) => {
          ranTools ??= { digest: digestOf(call), count, requestId };
          this.#ran.add(ranTools);
        },
      });
      isAccepted = response.ok;
      return response;
    } finally {
      if (!isAccepted && !ranTools) this.#failed.add({ digest: digestOf(call), count });
    }
  }

  /** Throws ApiError if this attempt would run tools again. An attempt with an id of the client's own continues the earlier attempt. */
  #requireHarmless(call: ApiCall, count: number): void {
    if (this.#ran.isEmpty || call.header("idempotency-key") !== undefined) return;
    const { requestId } = idsOf(call.header);
    const digest = digestOf(call);
    const ran = this.#ran.of(digest);
    if (ran.length === 0 || ran.some((earlier) => earlier.requestId === requestId)) return;
    const failed = this.#failed.of(digest).find((earlier) => earlier.count === count - 1);
    if (failed) {
      this.#failed.delete(failed);
      return;
    }
    const text =
      "An earlier attempt of this call has run tools, and a repetition would run them again; with an Idempotency-Key or X-Request-Id, the same in all attempts, it goes on where it was.";
    throw new ApiError(400, "tools_have_run", text);
  }
}

interface KnownAttempt {
  /** Hash of the content of the call. */
  digest: string;
  /** Number of attempts before this one. */
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

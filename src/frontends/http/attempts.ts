/**
 * Calls that have run tools and whose callers may not have had the answer. OpenAI's and Anthropic's clients send a call again when it took
 * them too long or its connection was lost, and say so in a header; each attempt has an X-Request-Id of its own, if any.
 */
import { createHash } from "node:crypto";
import type { Call } from "./api.js";
import { idsOf } from "./door-turn.js";
import { ApiError } from "./errors.js";

/** How often the client has sent the call before. The clients' name for it comes from what generates them. */
const retryCount = "x-stainless-retry-count";
/** Clients wait at most a minute between attempts. */
const keptMs = 15 * 60_000;
const mostKept = 10_000;

/** One attempt of a client at a call. */
export interface Attempt {
  /** A tool is about to run. */
  ranTools(requestId: string): void;
  /** The answer was sent whole. */
  answered(): void;
}

export class Attempts {
  readonly #now: () => number;
  /** By the digest of the call, the oldest first. */
  readonly #withTools = new Map<string, { requestId: string; at: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Undefined for a client that does not count its attempts. Throws ApiError when tools have run in an earlier attempt, and would again. */
  begin(call: Call): Attempt | undefined {
    const count = call.header(retryCount);
    if (count === undefined) return undefined;
    if (Number(count) > 0) this.#requireFirst(call);
    let digest: string | undefined;
    return {
      ranTools: (requestId) => {
        digest ??= digestOf(call);
        this.#withTools.delete(digest);
        this.#withTools.set(digest, { requestId, at: this.#now() });
        this.#forgetOld();
      },
      answered: () => {
        if (digest !== undefined) this.#withTools.delete(digest);
      },
    };
  }

  #requireFirst(call: Call): void {
    this.#forgetOld();
    if (this.#withTools.size === 0) return;
    const earlier = this.#withTools.get(digestOf(call));
    if (!earlier || earlier.requestId === idsOf(call.header).requestId) return;
    const text =
      "An earlier attempt of this call has run tools, and a repetition would run them again; with an Idempotency-Key or X-Request-Id, the same in all attempts, it goes on where it was.";
    throw new ApiError(400, "tools_have_run", text);
  }

  #forgetOld(): void {
    const before = this.#now() - keptMs;
    for (const [digest, { at }] of this.#withTools) {
      if (at > before && this.#withTools.size <= mostKept) return;
      this.#withTools.delete(digest);
    }
  }
}

function digestOf({ request, header, body }: Call): string {
  const text = JSON.stringify([request.url, header("x-conversation-id"), header("x-mcp-tools"), body]);
  return createHash("sha256").update(text).digest("base64url");
}

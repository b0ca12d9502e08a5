/**
 * Recognises repeated attempts of calls that have run tools. OpenAI's and Anthropic's clients retry a call after a timeout or a lost
 * connection, and count the attempts in a header. If these clients send an X-Request-Id, it differs in each attempt, so the calls are
 * recognised by their content.
 */
import { createHash } from "node:crypto";
import type { ApiCall } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { idsOf } from "./door-turn.js";

/** Header in which these clients send the number of earlier attempts. Stainless is the tool that generates the clients. */
const retryCount = "x-stainless-retry-count";
/** Time for which a call is remembered, in ms. Clients wait much less, at most a minute, between two attempts. */
const keptMs = 15 * 60_000;
const mostKept = 10_000;

export interface Attempt {
  /** Records that a tool is about to run. */
  ranTools(requestId: string): void;
  /** Records that the whole answer was sent. */
  answered(): void;
}

export class RepeatedCalls {
  readonly #now: () => number;
  /** Calls that have run tools, keyed by a hash of their content. The oldest call comes first. */
  readonly #withTools = new Map<string, { requestId: string; at: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Begins an attempt. Returns undefined if the client does not count its attempts. Throws ApiError if an earlier attempt has run tools
   * that this attempt would run again.
   */
  begin(call: ApiCall): Attempt | undefined {
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

  #requireFirst(call: ApiCall): void {
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

function digestOf({ request, header, body }: ApiCall): string {
  const text = JSON.stringify([request.url, header("x-conversation-id"), header("x-mcp-tools"), body]);
  return createHash("sha256").update(text).digest("base64url");
}

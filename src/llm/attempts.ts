import { setTimeout as sleep } from "node:timers/promises";
import type { Delta } from "../core/chat.js";
import type { HttpConfig } from "../core/config.js";
import { LlmError } from "../core/errors.js";
import { readAnswer } from "./answer.js";
import type { Call } from "./call.js";
import { AnswerFold } from "./deltas.js";
import { failure } from "./errors.js";
import { LlmHttp } from "./http.js";
import { RetryPolicy, type RetryPolicyParts } from "./retry.js";

/** A limit that was reached says more than that the answer broke off, and a cancelled one was not broken. */
const KEEPS_ITS_KIND = new Set(["idle_timeout", "total_timeout", "aborted"]);

/** Sends a call until its answer is whole. */
export class Attempts {
  readonly #policy: RetryPolicy;
  readonly #http: LlmHttp;

  constructor(http: HttpConfig, parts: RetryPolicyParts) {
    this.#policy = new RetryPolicy(parts);
    this.#http = new LlmHttp(http, this.#policy);
  }

  /**
   * What fails after the response headers is sent again like any failure, within the same count, as long as nothing was
   * shown. The first delta shown commits: a repeated request would write another answer after the beginning of this one.
   * Throws LlmError.
   */
  async answer(call: Call, onDelta?: (delta: Delta) => void): Promise<AnswerFold> {
    let shown = false;
    for (;;) {
      try {
        const response = await this.#http.post(call);
        const fold = new AnswerFold((delta) => {
          if (!onDelta) return;
          if (!shown) {
            shown = true;
            // A long prompt would else stay in memory for the life of the stream.
            response.config.data = undefined;
            call.body = undefined;
          }
          onDelta(delta);
        });
        await readAnswer(response, call, fold, this.#policy.now);
        return fold;
      } catch (error) {
        if (!(error instanceof LlmError)) throw error;
        if (shown) throw brokenOff(error, call);
        if (!this.#policy.plan(call, error)) throw error;
        const { signal } = call.options;
        await sleep(call.delayMs, undefined, { signal }).catch(() => Promise.reject(call.aborted()));
      }
    }
  }

  /** Closes the connections; requests in flight fail. */
  close(): void {
    this.#policy.stop();
    this.#http.close();
  }
}

function brokenOff(error: LlmError, call: Call): LlmError {
  if (KEEPS_ITS_KIND.has(error.kind)) return error;
  const { message, retryable, status, requestId } = error;
  const cause = message.replace(`${call.provider.name}/${call.model}: `, "");
  const said = `the answer broke off after it had begun: ${cause}`;
  return failure("stream_interrupted", said, call, { retryable, status, requestId });
}

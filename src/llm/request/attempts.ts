import { setTimeout as sleep } from "node:timers/promises";
import type { Delta } from "../../core/chat.js";
import type { HttpConfig } from "../../core/config.js";
import { LlmError } from "../../core/errors.js";
import { readAnswer } from "../answer/reading.js";
import { failure, saidBy } from "../errors.js";
import type { Showing } from "../showing.js";
import type { AnswerFold } from "../wires/wire.js";
import type { Call } from "./call.js";
import { isHedged, postHedged } from "./hedge.js";
import { LlmHttp, type LlmHttpParts } from "./http.js";
import { RetryPolicy, type RetryPolicyParts } from "./retry.js";

/** A limit that was reached says more than that the answer broke off, and a cancelled one was not broken. */
const KEEPS_ITS_KIND = new Set(["idle_timeout", "total_timeout", "aborted"]);

/** Sends a call until its answer is whole. */
export class Attempts {
  readonly #policy: RetryPolicy;
  readonly #http: LlmHttp;

  /** @internal */
  constructor(http: HttpConfig, parts: RetryPolicyParts & LlmHttpParts) {
    this.#policy = new RetryPolicy(parts);
    this.#http = new LlmHttp(http, this.#policy, parts);
  }

  /**
   * What fails after the response headers is sent again like any failure, within the same count, as long as nothing was
   * shown. The first delta shown commits, since a repeated request would write another answer after the beginning of this
   * one; unless `restart` is allowed. What was shown is then voided by a `discard` as soon as there is something to put in
   * its place, so that a reader keeps the beginning of an answer rather than nothing when no attempt succeeds.
   * Throws LlmError.
   */
  async answer(call: Call, showing?: Showing, restart = false): Promise<AnswerFold> {
    let shown = false;
    /** Why the deltas shown belong to an answer that will not be completed. */
    let broken: LlmError | undefined;
    const discard = () => {
      if (broken) showing?.discard(saidBy(broken, call));
      broken = undefined;
    };
    for (;;) {
      let fold: AnswerFold | undefined;
      /** Nothing more is shown: what the fold still holds back is only counted. */
      let isLost = false;
      try {
        call.response = undefined;
        const response = await (isHedged(call)
          ? postHedged(call, (each, signal) => this.#http.post(each, signal))
          : this.#http.post(call));
        call.response = response;
        // A long prompt would else stay in memory for the life of the stream.
        call.draft.release();
        const onFirst = () => {
          if (!showing || isLost) return;
          discard();
          showing.begin();
          shown = true;
        };
        const onDelta = (delta: Delta) => {
          if (!isLost) showing?.onDelta(delta);
        };
        fold = call.draft.fold({ onDelta, onFirst });
        await readAnswer(response, call, fold, this.#policy.now);
        discard();
        return fold;
      } catch (error) {
        if (!(error instanceof LlmError)) throw error;
        isLost = true;
        if (fold) call.lose(fold);
        if (!shown && call.correct(error)) continue;
        const mayGoOn = restart || !shown;
        if (!mayGoOn || !this.#policy.plan(call, error)) throw shown ? brokenOff(error, call) : error;
        if (shown) broken = error;
        const signal = call.options.signal.native;
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
  const { retryable, status, requestId, retryAfterMs, hint } = error;
  const said = `the answer broke off after it had begun: ${saidBy(error, call)}`;
  return failure("stream_interrupted", said, call, { retryable, status, requestId, retryAfterMs, hint });
}

import { setTimeout as sleep } from "node:timers/promises";
import type { HttpConfig } from "../../core/config.js";
import { LlmError } from "../../core/errors.js";
import type { Delta, KeptParts } from "../../core/messages.js";
import { readAnswer } from "../answer/read-answer.js";
import type { ProviderCall } from "../call/call.js";
import { failure, saidBy } from "../shared/llm-errors.js";
import type { AnswerFold } from "../wires/wire.js";
import { LlmHttp, type LlmHttpParts } from "./axios-instance.js";
import { isHedged, postHedged } from "./hedge.js";
import { RetryPolicy, type RetryPolicyParts } from "./retry.js";

/**
 * Kinds of error that are kept when an answer breaks off; all others become `stream_interrupted`. The kinds `idle_timeout` and
 * `total_timeout` name the reached limit, which says more, and an answer that was cancelled (`aborted`) did not break off.
 */
const keepsItsKind = new Set(["idle_timeout", "total_timeout", "aborted"]);

export class Attempts {
  readonly #policy: RetryPolicy;
  readonly #http: LlmHttp;

  /** @internal */
  constructor(http: HttpConfig, parts: RetryPolicyParts & LlmHttpParts) {
    this.#policy = new RetryPolicy(parts);
    this.#http = new LlmHttp(http, this.#policy, parts);
  }

  /** See `LlmHttp.listModels`. */
  listModels(...of: Parameters<LlmHttp["listModels"]>): Promise<string> {
    return this.#http.listModels(...of);
  }

  /**
   * Sends the call until an answer is whole. A failure after the response headers is retried like any other, and counts towards the same
   * number of retries. Once a delta was shown, nothing is retried, since a retry would give another answer. With `restart`, the call is
   * retried nevertheless: a `discard` then voids the deltas shown so far, but only when the new answer has something to show or is whole.
   * If no attempt succeeds, the deltas shown so far stay visible. Throws LlmError.
   */
  async answer(call: ProviderCall): Promise<AnswerFold> {
    const { showing, restart } = call.options;
    let shown = false;
    let broken: LlmError | undefined;
    /** The parts that must be sent back later together with the text that was shown last. */
    let kept: KeptParts | undefined;
    const discard = () => {
      if (broken) showing.discard(saidBy(broken, call));
      broken = undefined;
    };
    for (;;) {
      let fold: AnswerFold | undefined;
      /** True after a failure. The fold may then release text that it had held back. That text counts for usage, but is not shown. */
      let isLost = false;
      let hasBegun = false;
      try {
        call.response = undefined;
        const response = await (isHedged(call)
          ? postHedged(call, (each, signal) => this.#http.post(each, signal))
          : this.#http.post(call));
        call.response = response;
        // The serialised request is freed: a long prompt would otherwise stay in memory as long as the stream lasts.
        call.draft.release();
        const onFirst = () => {
          if (!showing.isWatched || isLost) return;
          discard();
          showing.begin();
          shown = true;
          hasBegun = true;
        };
        const onDelta = (delta: Delta) => {
          if (!isLost) showing.onDelta(delta);
        };
        fold = call.draft.fold({ onDelta, onFirst, onBegun: call.onBegun });
        await readAnswer(response, call, fold, this.#policy.now);
        discard();
        return fold;
      } catch (error) {
        if (!(error instanceof LlmError)) throw error;
        isLost = true;
        if (fold) call.lose(fold);
        if (fold && hasBegun) kept = call.keptOfBroken(fold);
        if (!shown && call.correct(error)) continue;
        const mayGoOn = restart || !shown;
        if (!mayGoOn || !this.#policy.plan(call, error)) throw withKept(shown ? brokenOff(error, call) : error, kept);
        if (shown) broken = error;
        const signal = call.options.signal;
        await sleep(call.delayMs, undefined, { signal }).catch(() => Promise.reject(withKept(call.aborted(), kept)));
      }
    }
  }

  /** See `ProviderRoutes.retire`. */
  retire(): void {
    this.#http.retire();
  }

  close(): void {
    this.#policy.stop();
    this.#http.close();
  }
}

function withKept(error: LlmError, kept: KeptParts | undefined): LlmError {
  if (kept) error.kept = kept;
  return error;
}

function brokenOff(error: LlmError, call: ProviderCall): LlmError {
  if (keepsItsKind.has(error.kind)) return error;
  const { retryable, status, requestId, retryAfterMs, hint } = error;
  const said = `the answer broke off after its beginning: ${saidBy(error, call)}`;
  return failure("stream_interrupted", said, call, { retryable, status, requestId, retryAfterMs, hint });
}

import { ScriptError } from "../../core/errors.js";
import type { Usage } from "../../core/messages.js";
import { usageSum } from "../../core/token-usage.js";
import type { Script } from "../shared/script.js";
import type { StepOutcome } from "../shared/script-result.js";

export class ScriptLimits implements Disposable {
  readonly #limits: Script["limits"];
  readonly #controller = new AbortController();
  readonly #stop: () => void;
  #turns = 0;
  #usage: Usage | undefined;
  #usd: number | undefined;
  /** True if the price of any turn, or of any model answer that judges an assertion, was unknown. `costUsd` is then undefined. */
  #isUnpriced = false;

  constructor(limits: Script["limits"], cancelled?: AbortSignal) {
    this.#limits = limits;
    const { timeMs } = limits;
    const timeUp = () => this.#controller.abort(reached("time", `the script reached its time limit of ${timeMs} ms`));
    const timer = timeMs === undefined ? undefined : setTimeout(timeUp, timeMs);
    const onCancel = () => this.#controller.abort(new ScriptError("aborted", "the script was cancelled"));
    cancelled?.addEventListener("abort", onCancel);
    if (cancelled?.aborted) onCancel();
    this.#stop = () => {
      clearTimeout(timer);
      cancelled?.removeEventListener("abort", onCancel);
    };
  }

  /** Signal that is aborted when the time limit is reached or the script is cancelled. Its reason is a ScriptError. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get usage(): Usage | undefined {
    return this.#usage;
  }

  get costUsd(): number | undefined {
    return this.#isUnpriced ? undefined : this.#usd;
  }

  /** Counts a turn. Throws ScriptError if the limit of turns, tokens or money is reached. */
  beginTurn(): void {
    const { turns } = this.#limits;
    if (turns !== undefined && this.#turns >= turns)
      throw reached("turns", `the script reached its limit of ${turns} turns`);
    this.requireLeft();
    this.#turns++;
  }

  /** Throws ScriptError if the limit of tokens or money is reached. */
  requireLeft(): void {
    const { tokens, usd } = this.#limits;
    const spent = (this.#usage?.inputTokens ?? 0) + (this.#usage?.outputTokens ?? 0);
    if (tokens !== undefined && spent >= tokens)
      throw reached("tokens", `the script has used ${spent} of its ${tokens} tokens`);
    if (usd !== undefined && (this.#usd ?? 0) >= usd) throw reached("usd", `$${this.#usd} of $${usd} are spent`);
  }

  spend({ usage, costUsd }: Pick<StepOutcome, "usage" | "costUsd">): void {
    this.#usage = usageSum([{ usage: this.#usage }, { usage }]);
    if (costUsd === undefined) this.#isUnpriced = true;
    else this.#usd = (this.#usd ?? 0) + costUsd;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}

export function reached(limit: keyof Script["limits"] | "time", message: string): ScriptError {
  return new ScriptError("limit", `limits.${limit}: ${message}`);
}

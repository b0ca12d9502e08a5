import type { Observe } from "../../core/ports.js";
import type { TurnName } from "../../core/turn-leases.js";

/** Time in ms after which this host looks again whether it can ask a model in place of a turn's lost host: it may have got a key. */
const lookAgainMs = 60_000;

/** The turns of lost hosts that this host leaves to others, because it cannot ask a model in their place. */
export class LeftTurns {
  readonly #parts: { observe: Observe; now: () => number };
  /** Keys: turn ids. Values: when the turn was last left, in ms since the epoch. */
  readonly #leftAt = new Map<string, number>();

  constructor(parts: { observe: Observe; now: () => number }) {
    this.#parts = parts;
  }

  /** True if the turn was left so recently that nothing will have changed. */
  wasJustLeft({ turnId }: TurnName): boolean {
    return this.#parts.now() - (this.#leftAt.get(turnId) ?? Number.NEGATIVE_INFINITY) < lookAgainMs;
  }

  /** Notes a turn that is left. The log of the host names it once. */
  note({ conversationId, turnId }: TurnName): void {
    const { observe, now } = this.#parts;
    const reason = "this one has no key for its model, or only the demo model";
    const message = `the unfinished turn of conversation ${conversationId} is left to other hosts: ${reason}`;
    if (!this.#leftAt.has(turnId)) observe({ level: "warn", scope: "session", message });
    this.#leftAt.set(turnId, now());
  }
}

import { RequestError } from "../../core/errors.js";

/** A part of the capacity, and a number of turns, that one conversation may take up in any case. */
const shareOfOne = 0.1;
const leastOfOne = 10;
/** Time after which a refused caller is asked to try again, in ms. */
const retryAfterMs = 5_000;

/**
 * Counts the turns that run or wait on this host, and refuses further prompts beyond a maximum. A host that accepts more than it can do
 * answers everybody late, and nobody in time.
 */
export class TurnCapacity {
  readonly #most: () => number;
  #count = 0;

  /** `most` returns the maximum number of turns. It is called for each prompt, because the configuration may change. */
  constructor(most: () => number) {
    this.#most = most;
  }

  begun(): void {
    this.#count++;
  }

  ended(): void {
    this.#count--;
  }

  /**
   * Throws RequestError if there is no room for one more turn of a conversation that has this number of turns here. One conversation
   * gets only a share, because its turns run one after another: it would keep others out and gain nothing.
   */
  requireRoom(turnsOfConversation: number): void {
    const most = this.#most();
    if (this.#count >= most) throw overloaded(`this host is full: ${most} turns run or wait`);
    const mostOfOne = Math.max(leastOfOne, Math.floor(most * shareOfOne));
    if (turnsOfConversation < mostOfOne) return;
    throw overloaded(`this conversation is full: ${mostOfOne} of its turns run or wait on this host`);
  }
}

function overloaded(message: string): RequestError {
  const hint = "the prompt was not stored; send it again in 5 s, or raise chat.service.max_turns";
  return new RequestError("overloaded", message, { retryable: true, retryAfterMs, hint });
}

import { setImmediate as nextRound } from "node:timers/promises";
import type { ChatStore, ExpiryRule } from "../../core/chat-store.js";
import type { Config, RetentionConfig } from "../../core/config.js";
import { messageOf } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";

export interface RetentionRules extends RetentionConfig {
  /** Maximum age of conversations that were created for a single API call. Undefined if only `maxAgeMs` applies to them. */
  singleCallsMaxAgeMs?: number | undefined;
}

interface WatchedClocks {
  /** A clock that can be set, in ms since the epoch. */
  now: () => number;
  /** A clock that cannot be set, in ms. Default: `performance.now`. */
  steadyNow?: () => number;
}

export interface RetentionParts extends WatchedClocks {
  store: ChatStore;
  rules: RetentionRules;
  /** Returns true if a conversation is open on this host. An open conversation is not deleted, because a person may be looking at it. */
  isOpen: (conversationId: string) => boolean;
  /** Returns the time of this machine, in ms since the epoch. It is used for logs without a clock of their own. */
  now: () => number;
  observe: Observe;
}

const everyMs = 60 * 60 * 1000;
/**
 * Time in ms within which only one host deletes conversations, even if several hosts share the log. This time is a little shorter than
 * `everyMs`, because timers are not exact.
 */
const dueMs = 0.9 * everyMs;
/** How long, in ms, this machine's clock must have run undisturbed before the host relies on that clock alone. */
const trustedAfterMs = 0.9 * everyMs;
/**
 * Largest difference, in ms, between the times that passed on the two clocks that counts as mere inaccuracy. A larger difference means that
 * the machine's clock was set.
 */
const toleranceMs = 60_000;

/** Number of conversations that are read from the log at once. */
const atOnce = 1_000;

/**
 * Deletes conversations beyond the maximum age or number, at the start and then every hour. Never deletes a conversation with an unfinished
 * turn.
 */
export class Retention {
  readonly #parts: RetentionParts;
  #rules: RetentionRules;
  #isStarted = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #clock: ClockWatch;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
    this.#clock = new ClockWatch(parts, toleranceMs);
  }

  change(rules: RetentionRules): void {
    this.#rules = rules;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#isStarted) this.start();
  }

  start(): void {
    this.#isStarted = true;
    this.#clock.look();
    const { maxAgeMs, maxConversations, singleCallsMaxAgeMs } = this.#rules;
    if (this.#timer || (maxAgeMs ?? maxConversations ?? singleCallsMaxAgeMs) === undefined) return;
    this.#timer = setInterval(() => void this.#applied(), everyMs).unref();
    void this.#applied();
  }

  close(): void {
    this.#isStarted = false;
    clearInterval(this.#timer);
  }

  /**
   * Deletes expired conversations, and resolves with their number. Each deletion is a separate transaction, so that no other write waits
   * for long.
   */
  async apply(): Promise<number> {
    const { maxAgeMs, maxConversations, singleCallsMaxAgeMs } = this.#rules;
    let deleted = 0;
    const ageNow = (maxAgeMs ?? singleCallsMaxAgeMs) === undefined ? undefined : await this.#ageNow();
    if (ageNow !== undefined) {
      const olderThan = (ageMs: number) => ({ changedBefore: Math.ceil(ageNow) - ageMs, now: Math.ceil(ageNow) });
      if (maxAgeMs !== undefined) deleted += await this.#delete(olderThan(maxAgeMs));
      if (singleCallsMaxAgeMs !== undefined)
        deleted += await this.#delete({ ...olderThan(singleCallsMaxAgeMs), isForSingleCalls: true });
    }
    if (maxConversations !== undefined) deleted += await this.#delete({ beyond: maxConversations });
    return deleted;
  }

  /** Deletes the conversations that the rule names, the oldest first, and resolves with their number. */
  async #delete(rule: ExpiryRule): Promise<number> {
    const { store, isOpen } = this.#parts;
    let [deleted, skip] = [0, 0];
    for (let isLast = false; !isLast; ) {
      const found = await store.archive.expiring(rule, { most: atOnce, skip });
      isLast = found.length < atOnce;
      for (const { conversationId, lastSeq } of found) {
        await nextRound();
        const isDeleted = !isOpen(conversationId) && (await store.archive.expire(conversationId, lastSeq));
        if (isDeleted) deleted++;
        else skip++;
      }
    }
    return deleted;
  }

  /**
   * Returns the time up to which age is measured. Returns undefined if nothing may be deleted by its age.
   *
   * This machine's clock can be wrong for a moment, for example before it is set from the network after a start. All conversations would then
   * seem too old. So the clock is used only after it has run for about an hour without being set. Until then, age is measured up to the last
   * change in the log. A last change within the last hour, or in the future, may have its time from the same wrong clock.
   */
  async #ageNow(): Promise<number | undefined> {
    const { store, now } = this.#parts;
    if (store.now) return store.now();
    if (this.#clock.look().undisturbedMs >= trustedAfterMs) return now();
    const lastChange = await store.archive.lastChange();
    return lastChange <= now() - everyMs ? lastChange : undefined;
  }

  async #applied(): Promise<void> {
    const { store, observe } = this.#parts;
    try {
      if (store.isDue && !(await store.isDue("retention", dueMs))) return;
      const deleted = await this.apply();
      if (deleted > 0) {
        observe({
          level: "info",
          scope: "session",
          message: `deleted ${deleted} conversations, because they were too old or too many`,
        });
      }
    } catch (error) {
      observe({ level: "warn", scope: "session", message: messageOf(error) });
    }
  }
}

export function retentionRules({ chat, serve }: Pick<Config, "chat" | "serve">): RetentionRules {
  return { ...chat.storage, singleCallsMaxAgeMs: serve.statelessRetentionMs };
}

/** Notices when a clock was set, by comparing it with a clock that cannot be set. */
class ClockWatch {
  readonly #now: () => number;
  readonly #steadyNow: () => number;
  readonly #toleranceMs: number;
  /** Both times at the first look or, if the clock was set later, at the look that noticed it. */
  #since: { wall: number; steady: number } | undefined;

  /** `toleranceMs`: the largest difference between the times that passed on the clocks which does not count as setting the clock. */
  constructor({ now, steadyNow = () => performance.now() }: WatchedClocks, toleranceMs: number) {
    this.#now = now;
    this.#steadyNow = steadyNow;
    this.#toleranceMs = toleranceMs;
  }

  /** Returns whether the clock was set since the last look, and for how long it has run since without being set. */
  look(): { isSet: boolean; undisturbedMs: number } {
    const [wall, steady] = [this.#now(), this.#steadyNow()];
    this.#since ??= { wall, steady };
    const isSet = Math.abs(wall - this.#since.wall - (steady - this.#since.steady)) > this.#toleranceMs;
    if (isSet) this.#since = { wall, steady };
    return { isSet, undisturbedMs: steady - this.#since.steady };
  }
}

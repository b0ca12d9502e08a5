import { setImmediate as nextRound } from "node:timers/promises";
import type { Config, RetentionConfig } from "../core/config.js";
import { messageOf } from "../core/errors.js";
import type { Observe } from "../core/ports.js";
import type { ChatStore } from "../core/store-ports.js";
import { midnightBefore } from "./limits.js";

export interface RetentionRules extends RetentionConfig {
  /** What the day has spent is read from the log, for a limit: conversations of today stay. */
  keepsToday?: boolean;
}

export interface RetentionParts {
  store: ChatStore;
  rules: RetentionRules;
  /** Of this process: what a person has before him stays. */
  isOpen: (conversationId: string) => boolean;
  /** This machine's clock, for logs without one. */
  now: () => number;
  observe: Observe;
}

const everyMs = 60 * 60 * 1000;
/** Of the hosts of one log only one does it, and its timer is not exact. */
const dueMs = 0.9 * everyMs;

/** Deletes conversations that are older, or more, than the rules allow: now and every hour. Never one with an unfinished turn. */
export class Retention {
  readonly #parts: RetentionParts;
  #rules: RetentionRules;
  #isStarted = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
  }

  /** Other rules, from now on. */
  change(rules: RetentionRules): void {
    this.#rules = rules;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#isStarted) this.start();
  }

  start(): void {
    this.#isStarted = true;
    const { maxAgeMs, maxConversations } = this.#rules;
    if (this.#timer || (maxAgeMs === undefined && maxConversations === undefined)) return;
    this.#timer = setInterval(() => void this.#applied(), everyMs).unref();
    void this.#applied();
  }

  close(): void {
    this.#isStarted = false;
    clearInterval(this.#timer);
  }

  /** Resolves to the number of conversations that were deleted. Each is a transaction of its own, so that nobody has to wait long. */
  async apply(): Promise<number> {
    const { store, isOpen } = this.#parts;
    const { now = this.#parts.now } = store;
    const { maxAgeMs = Number.POSITIVE_INFINITY, maxConversations = Number.POSITIVE_INFINITY } = this.#rules;
    const all = await store.conversations();
    const keptFrom = this.#rules.keepsToday ? midnightBefore(now()) : Number.POSITIVE_INFINITY;
    const expired = all
      .filter(({ updatedAt }, index) => index >= maxConversations || updatedAt < now() - maxAgeMs)
      .filter(({ updatedAt }) => updatedAt < keptFrom);
    let deleted = 0;
    for (const { conversationId, lastSeq } of expired.reverse()) {
      await nextRound();
      if (!isOpen(conversationId) && (await store.archive.expire(conversationId, lastSeq))) deleted++;
    }
    return deleted;
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
          message: `${deleted} conversations were too old or too many: deleted`,
        });
      }
    } catch (error) {
      observe({ level: "warn", scope: "session", message: messageOf(error) });
    }
  }
}

/** The rules of a configuration. */
export function retentionRules({ storage, limits }: Pick<Config["chat"], "storage" | "limits">): RetentionRules {
  const { tokens, usd } = limits.day;
  return { ...storage, keepsToday: tokens !== undefined || usd !== undefined };
}

/** Rereading of a server's lists when they may have changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../core/errors.js";
import { abortable, atMost } from "../shared/wait.js";
import { coalesced } from "./coalesced.js";
import type { KeptConnection } from "./kept-connection.js";
import type { OfferedTools } from "./offer.js";
import type { Condition } from "./server-condition.js";

/**
 * Time from the start to a second read of the lists. Some servers register tools after `initialized` and announce them before the HTTP
 * notification stream is open (server-everything).
 */
const secondListMs = 500;
/** Longest time that a turn waits for stale lists to be read again. After that the turn uses the old lists. */
const staleListMs = 2000;
/** Delay between a change of a list and its read, because changes come in bursts. */
const debounceMs = 100;

interface ListRefreshParts {
  offer: OfferedTools;
  condition: Condition;
  kept: KeptConnection;
  /** True if a tape is played in place of the server, so that delays are needless. */
  isPlayed: boolean;
}

export class ListRefresh {
  readonly #parts: ListRefreshParts;
  readonly #soon: (delayMs: number) => void;

  constructor(parts: ListRefreshParts) {
    this.#parts = parts;
    this.#soon = coalesced(() => this.#listAgain(), parts.kept.closing);
  }

  changed(): void {
    this.#soon(this.#parts.isPlayed ? 0 : debounceMs);
  }

  /** Schedules a second read of the lists after the start, because the first read may have been too early. */
  started(): void {
    const { kept, isPlayed } = this.#parts;
    if (kept.current?.changesLists && !isPlayed) this.#soon(secondListMs);
  }

  /** Reads the lists again if the server may change them. Waits before that, because some servers register tools only after their start. */
  async late(signal: AbortSignal): Promise<void> {
    if (!this.#parts.kept.current?.changesLists) return;
    await sleep(secondListMs, undefined, { signal });
    await abortable(this.#listAgain(), signal);
  }

  /** Reads the lists again if they are stale. Rejects only with the signal's reason. */
  async ofStale(signal?: AbortSignal): Promise<void> {
    if (this.#parts.kept.current?.areListsStale) await abortable(atMost(this.#listAgain(), staleListMs), signal);
  }

  /** Reads the lists again. Never rejects, because a failure is only logged. */
  async #listAgain(): Promise<void> {
    const { kept, offer, condition } = this.#parts;
    const connection = kept.current;
    try {
      const lists = await connection?.lists(kept.closing);
      if (lists && connection === kept.current) offer.take(lists, connection?.serverVersion);
    } catch (error) {
      if (connection === kept.current) condition.log("warn", `the lists could not be read again: ${messageOf(error)}`);
    }
  }
}

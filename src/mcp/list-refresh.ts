/** Rereading of a server's lists when they may have changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../core/errors.js";
import { coalesced } from "./coalesced.js";
import type { Condition } from "./condition.js";
import type { KeptConnection } from "./kept-connection.js";
import type { Offer } from "./offer.js";
import { abortable, atMost } from "./wait.js";

/** Servers that register tools after `initialized` announce it too early for the HTTP notification stream (server-everything). */
const secondListMs = 500;
/** How long a turn waits for stale lists to be read again; then it uses the old ones. */
const staleListMs = 2000;
/** List changes come in bursts. */
const debounceMs = 100;

interface ListRefreshParts {
  offer: Offer;
  condition: Condition;
  kept: KeptConnection;
  /** True if a tape stands in for the server, so that waits are needless. */
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

  /** Rereads the lists some time after the start, since the first read may have been too early. */
  started(): void {
    const { kept, isPlayed } = this.#parts;
    if (kept.current?.changesLists && !isPlayed) this.#soon(secondListMs);
  }

  /** Rereads the lists of a server that may change them, late enough for one that registers tools only after its start. */
  async late(signal: AbortSignal): Promise<void> {
    if (!this.#parts.kept.current?.changesLists) return;
    await sleep(secondListMs, undefined, { signal });
    await abortable(this.#listAgain(), signal);
  }

  /** Rereads stale lists. Rejects only with the signal's reason. */
  async ofStale(signal?: AbortSignal): Promise<void> {
    if (this.#parts.kept.current?.areListsStale) await abortable(atMost(this.#listAgain(), staleListMs), signal);
  }

  /** Never rejects. */
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

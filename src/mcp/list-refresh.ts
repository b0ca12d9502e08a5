/** Reads what a server offers again, when that may have changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../core/errors.js";
import { coalesced } from "./coalesced.js";
import type { Condition } from "./condition.js";
import type { KeptConnection } from "./kept-connection.js";
import type { Offer } from "./offer.js";
import { abortable, atMost } from "./wait.js";

/** Servers that register tools after `initialized` tell it too early for the HTTP stream of notifications (server-everything). */
const secondListMs = 500;
/** How long a turn waits for lists that have got stale; then the old ones do. */
const staleListMs = 2000;
/** Changes of lists come in bursts. */
const debounceMs = 100;

interface ListRefreshParts {
  offer: Offer;
  condition: Condition;
  kept: KeptConnection;
  /** There is no server, but its tape: what takes a server time does not take time. */
  isPlayed: boolean;
}

export class ListRefresh {
  readonly #parts: ListRefreshParts;
  readonly #soon: (delayMs: number) => void;

  constructor(parts: ListRefreshParts) {
    this.#parts = parts;
    this.#soon = coalesced(() => this.#listAgain(), parts.kept.closing);
  }

  /** The server says that its lists have changed. */
  changed(): void {
    this.#soon(this.#parts.isPlayed ? 0 : debounceMs);
  }

  /** They were read at its start, which may have been too early. */
  started(): void {
    const { kept, isPlayed } = this.#parts;
    if (kept.current?.changesLists && !isPlayed) this.#soon(secondListMs);
  }

  /** Where the server says that its lists may change, they are read once more, late enough for one that registers tools only after its start. */
  async late(signal: AbortSignal): Promise<void> {
    if (!this.#parts.kept.current?.changesLists) return;
    await sleep(secondListMs, undefined, { signal });
    await abortable(this.#listAgain(), signal);
  }

  /** Lists that got stale are read again. Rejects with the signal's reason only. */
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

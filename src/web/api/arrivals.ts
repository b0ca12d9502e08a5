import { addAll } from "../../core/lists/long-lists.js";
import type { LastSeen, LiveChunk, StoredMessage } from "./host-messages.js";

/** Changes of the log since the last notification. Listeners are notified at most once per frame. */
export interface LogChange {
  stored: readonly StoredMessage[];
  live: readonly LiveChunk[];
  /** True if the live chunks of earlier changes are no longer valid, because the page has connected anew. */
  isAnew: boolean;
}

/** Collects what arrives from the host. An event becomes part of a change when all its chunks have arrived. */
export class Arrivals {
  #seen: LastSeen | undefined;
  /** Chunks of an event that has not arrived completely. */
  #partial: StoredMessage[] = [];
  #stored: StoredMessage[] = [];
  #live: LiveChunk[] = [];
  #isAnew = false;

  /** The last event that has arrived completely. */
  get seen(): LastSeen | undefined {
    return this.#seen;
  }

  /** Drops what the host will send again after a new connection: live chunks, and events that have not arrived completely. */
  beginAnew(): void {
    this.#partial = [];
    this.#live = [];
    this.#isAnew = true;
  }

  addLive(chunk: LiveChunk): void {
    this.#live.push(chunk);
  }

  /** Adds a chunk of an event. Returns true if the event is new and has arrived completely with this chunk. */
  add({ seq, chunk }: StoredMessage): boolean {
    if (this.#seen && seq <= this.#seen.seq) return false;
    this.#partial.push({ seq, chunk });
    if (chunk.type === "text" || chunk.type === "reasoning") return false; // `usage` is the last chunk of an answer
    this.#seen = { seq, turn_id: chunk.metadata.turn_id };
    addAll(this.#stored, this.#partial);
    this.#partial = [];
    this.#live = this.#live.filter(({ type }) => type !== "text" && type !== "reasoning");
    return true;
  }

  /** Returns what has arrived since the last call. */
  change(): LogChange {
    const change = { stored: this.#stored, live: this.#live, isAnew: this.#isAnew };
    this.#stored = [];
    this.#live = [];
    this.#isAnew = false;
    return change;
  }
}

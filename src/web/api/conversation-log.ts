import { type ReadonlySignal, signal } from "@preact/signals";
import type { HostMessage, LastSeen, LiveChunk, StoredMessage, WireError } from "./host-messages.js";
import type { Follower, HostSocket } from "./socket.js";

/** Changes of the log since the last notification. Listeners are notified at most once per frame. */
export interface LogChange {
  stored: readonly StoredMessage[];
  live: readonly LiveChunk[];
  /** True if the live chunks of earlier changes are no longer valid, because the page has connected anew. */
  isAnew: boolean;
}

/**
 * A conversation as the host sends it. The log contains every message with a `seq` exactly once, in order. Live events are not kept; they
 * are passed on to listeners.
 */
export class ConversationLog implements Follower {
  /** Stored messages in order, as in the answer of /api/sessions/ID. */
  readonly stored: ReadonlySignal<readonly StoredMessage[]>;
  /** True when every message that the log had at opening has arrived. */
  readonly isWhole: ReadonlySignal<boolean>;
  readonly failure: ReadonlySignal<WireError | undefined>;
  readonly #stored = signal<readonly StoredMessage[]>([]);
  readonly #isWhole = signal(false);
  readonly #failure = signal<WireError | undefined>(undefined);
  readonly #listeners = new Set<(change: LogChange) => void>();
  /** Chunks of an event that has not arrived completely. */
  #parts: StoredMessage[] = [];
  #seen: LastSeen | undefined;
  #news: { stored: StoredMessage[]; live: LiveChunk[]; isAnew: boolean } = { stored: [], live: [], isAnew: false };
  #leastSkewMs = Number.NEGATIVE_INFINITY;
  #willBeWhole = false;
  #isTelling = false;
  #isLeft = false;

  constructor() {
    this.stored = this.#stored;
    this.isWhole = this.#isWhole;
    this.failure = this.#failure;
  }

  /** Time of the host's clock minus the time of this browser's clock, in ms. 0 if unknown. */
  get skewMs(): number {
    return Number.isFinite(this.#leastSkewMs) ? this.#leastSkewMs : 0;
  }

  /** The last event that has arrived completely. */
  get seen(): LastSeen | undefined {
    return this.#seen;
  }

  /** Follows the conversation until the returned function is called. */
  open(socket: HostSocket, conversationId: string): () => void {
    const leave = socket.follow(conversationId, this);
    return () => {
      leave();
      this.#isLeft = true;
    };
  }

  /** Notifies the listener of changes until the returned function is called. Messages that arrived before are in `stored`. */
  listen(listener: (change: LogChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  begin(): { from: number; seen?: LastSeen | undefined } {
    this.#parts = [];
    this.#news = { ...this.#news, live: [], isAnew: true };
    return { from: (this.#seen?.seq ?? 0) + 1, seen: this.#seen };
  }

  take(message: HostMessage): void {
    if (message.status === "error") this.#failure.value = message.chunk;
    else if (message.status === "complete") this.#failure.value = undefined;
    else if (message.status === "chunk" && message.seq === undefined) this.#news.live.push(message.chunk);
    else if (message.status === "chunk") this.#take(message);
    this.#tellSoon(message.status === "complete");
  }

  #take({ seq, chunk }: StoredMessage): void {
    if (this.#seen && seq <= this.#seen.seq) return;
    this.#parts.push({ seq, chunk });
    if (chunk.type === "text" || chunk.type === "reasoning") return; // not the last chunk of the answer: `usage` follows and completes it
    this.#seen = { seq, turn_id: chunk.metadata.turn_id };
    // The event took some time to arrive, so the host's clock is ahead of this browser's clock by at least this difference.
    if (this.#isWhole.value) this.#leastSkewMs = Math.max(this.#leastSkewMs, chunk.metadata.at - Date.now());
    this.#news.stored.push(...this.#parts);
    this.#news.live = this.#news.live.filter(({ type }) => type !== "text" && type !== "reasoning");
    this.#parts = [];
  }

  #tellSoon(isWhole: boolean): void {
    this.#willBeWhole ||= isWhole;
    if (this.#isTelling) return;
    this.#isTelling = true;
    onNextFrame(() => this.#tell());
  }

  #tell(): void {
    this.#isTelling = false;
    if (this.#isLeft) return;
    const change = this.#news;
    this.#news = { stored: [], live: [], isAnew: false };
    if (change.stored.length > 0) this.#stored.value = [...this.#stored.value, ...change.stored];
    for (const listener of this.#listeners) listener(change);
    this.#isWhole.value = this.#willBeWhole;
  }
}

/** Longest time to wait for a frame, in ms. A background tab draws no frames, but it must keep up with the host. */
const longestWaitMs = 500;

/** Calls `callback` at the next frame. If no frame comes within `longestWaitMs`, calls it then. */
function onNextFrame(callback: () => void): void {
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    callback();
  };
  const frame = requestAnimationFrame(run);
  const timer = setTimeout(run, longestWaitMs);
}

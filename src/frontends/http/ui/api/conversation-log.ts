import { type ReadonlySignal, signal } from "@preact/signals";
import { onNextFrame } from "./frames.js";
import type { HostMessage, LiveChunk, StoredMessage, WireError } from "./messages.js";
import type { Follower, HostSocket } from "./socket.js";

/** What is told of changes, at most once a frame. */
export interface LogChange {
  /** New since the last change. */
  stored: readonly StoredMessage[];
  live: readonly LiveChunk[];
  /** Live chunks that were told before are void. */
  isAnew: boolean;
}

/** A conversation as the host tells it: everything with a `seq`, once and in order, and after it what is happening. */
export class ConversationLog implements Follower {
  /** In order. The same messages as /api/sessions/ID has. */
  readonly stored: ReadonlySignal<readonly StoredMessage[]>;
  /** What was in the log when it was opened has been told. */
  readonly isWhole: ReadonlySignal<boolean>;
  readonly failure: ReadonlySignal<WireError | undefined>;
  readonly #stored = signal<readonly StoredMessage[]>([]);
  readonly #isWhole = signal(false);
  readonly #failure = signal<WireError | undefined>(undefined);
  readonly #listeners = new Set<(change: LogChange) => void>();
  /** Of an event that is told in several chunks, those until the last one. */
  #parts: StoredMessage[] = [];
  #lastSeq = 0;
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

  /** The host's clock minus this one's, as far as it is known. */
  get skewMs(): number {
    return Number.isFinite(this.#leastSkewMs) ? this.#leastSkewMs : 0;
  }

  /** Until the returned function is called. */
  open(socket: HostSocket, conversationId: string): () => void {
    const leave = socket.follow(conversationId, this);
    return () => {
      leave();
      this.#isLeft = true;
    };
  }

  /** Until the returned function is called; what was told before is in `stored`. */
  listen(listener: (change: LogChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  begin(): number {
    this.#parts = [];
    this.#news = { ...this.#news, live: [], isAnew: true };
    return this.#lastSeq + 1;
  }

  take(message: HostMessage): void {
    if (message.status === "error") this.#failure.value = message.chunk;
    else if (message.status === "chunk" && message.seq === undefined) this.#news.live.push(message.chunk);
    else if (message.status === "chunk") this.#take(message);
    this.#tellSoon(message.status === "complete");
  }

  #take({ seq, chunk }: StoredMessage): void {
    if (seq <= this.#lastSeq) return;
    this.#parts.push({ seq, chunk });
    if (chunk.type === "text" || chunk.type === "reasoning") return; // the usage is the last of them
    this.#lastSeq = seq;
    // What has just happened was on its way for a moment, so that the host is at least that far.
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

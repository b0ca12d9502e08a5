import { type ReadonlySignal, signal } from "@preact/signals";
import { addAll } from "../../core/lists/long-lists.js";
import { type Api, ApiFailure } from "./host-client.js";
import type { HostMessage, LastSeen, LiveChunk, StoredMessage, WireError } from "./host-messages.js";
import type { Follower, HostSocket } from "./socket.js";

/** Changes of the log since the last notification. Listeners are notified at most once per frame. */
export interface LogChange {
  stored: readonly StoredMessage[];
  live: readonly LiveChunk[];
  /** True if the live chunks of earlier changes are no longer valid, because the page has connected anew. */
  isAnew: boolean;
}

export interface MessageListener {
  changed(change: LogChange): void;
  /** Called with the messages that come directly before those that arrived so far. */
  prepended(messages: readonly StoredMessage[]): void;
}

/** Number of events in a page. It is some turns more than a window shows. */
const eventsInPage = 100;
/** Number of events in a page when all of them are wanted. The host sends no more at once. */
const mostInPage = 1_000;
/** Pause, in ms, before the end of the conversation is asked for again. */
const againAfterMs = 1_000;

interface LogParts {
  api: Api;
  conversationId: string;
  /** True if the conversation has not begun, so that there is nothing to load. */
  isNew: boolean;
}

/**
 * A conversation as the host sends it. At opening, the log loads the last turns, and then follows the conversation. Earlier messages are
 * loaded when they are asked for. From its first message on, the log contains every message with a `seq` exactly once, in order. Live events
 * are not kept; they are passed on to listeners.
 */
export class ConversationLog implements Follower {
  /** Stored messages in order, as in the answer of /api/sessions/ID. */
  readonly stored: ReadonlySignal<readonly StoredMessage[]>;
  /** True when the messages up to the last one that the conversation had at opening have arrived. */
  readonly isCurrent: ReadonlySignal<boolean>;
  /** True if the conversation has messages before those in `stored`. */
  readonly hasEarlier: ReadonlySignal<boolean>;
  /** The first messages of the conversation, if `stored` does not begin with them. */
  readonly beginning: ReadonlySignal<readonly StoredMessage[]>;
  readonly failure: ReadonlySignal<WireError | undefined>;
  readonly #stored = signal<readonly StoredMessage[]>([]);
  readonly #isCurrent = signal(false);
  readonly #hasEarlier = signal(false);
  readonly #beginning = signal<readonly StoredMessage[]>([]);
  readonly #failure = signal<WireError | undefined>(undefined);
  readonly #listeners = new Set<MessageListener>();
  readonly #parts: LogParts;
  readonly #left = new AbortController();
  /** Chunks of an event that has not arrived completely. */
  #chunks: StoredMessage[] = [];
  #loading: Promise<void> | undefined;
  #seen: LastSeen | undefined;
  #news: { stored: StoredMessage[]; live: LiveChunk[]; isAnew: boolean } = { stored: [], live: [], isAnew: false };
  #leastSkewMs = Number.NEGATIVE_INFINITY;
  #willBeCurrent = false;
  #isTelling = false;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.stored = this.#stored;
    this.isCurrent = this.#isCurrent;
    this.hasEarlier = this.#hasEarlier;
    this.beginning = this.#beginning;
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

  /** Loads the end of the conversation and follows it until the returned function is called. */
  open(socket: HostSocket): () => void {
    const { conversationId, isNew } = this.#parts;
    let leave = () => {};
    const follow = () => {
      if (!this.#left.signal.aborted) leave = socket.follow(conversationId, this);
    };
    if (isNew) follow();
    else void this.#loadEnd().then(follow);
    return () => {
      leave();
      this.#left.abort();
    };
  }

  /** Notifies the listener until the returned function is called. Messages that arrived before are in `stored`. */
  listen(listener: MessageListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Loads messages before those in `stored`, with the beginning of at least one turn. Rejects with ApiFailure. */
  loadEarlier(most = eventsInPage): Promise<void> {
    this.#loading ??= this.#loadBefore(most).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** Loads the whole conversation, so that the browser can search it. Rejects with ApiFailure. */
  async loadAll(): Promise<void> {
    while (this.#hasEarlier.value && !this.#left.signal.aborted) await this.loadEarlier(mostInPage);
  }

  async #loadBefore(most: number): Promise<void> {
    const [first] = this.#stored.value;
    if (!first || !this.#hasEarlier.value) return;
    const messages = await this.#messagesBefore(first.seq, most, hasBeginning);
    if (this.#left.signal.aborted) return;
    this.#stored.value = [...messages, ...this.#stored.value];
    for (const listener of this.#listeners) listener.prepended(messages);
  }

  /** Loads the last turns. Tries again until the host answers. A conversation that does not exist yet has no turns. */
  async #loadEnd(): Promise<void> {
    const { signal: left } = this.#left;
    while (!left.aborted) {
      try {
        const messages = await this.#messagesBefore(undefined, eventsInPage, areWholeTurns);
        for (const message of messages) this.#take(message);
        this.#failure.value = undefined;
        this.#tellSoon(false);
        if (this.#hasEarlier.value) void this.#loadBeginning();
        return;
      } catch (error) {
        if (left.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        if (error.kind === "not_found") return;
        const { message, kind, isPassing } = error;
        if (!isPassing) this.#failure.value = { error: message, kind, retryable: true, hint: "" };
      }
      await new Promise((resolve) => setTimeout(resolve, againAfterMs));
    }
  }

  async #loadBeginning(): Promise<void> {
    const { api, conversationId } = this.#parts;
    // The first event of a copy says of what it is a copy, and the second one is its first message.
    const loading = api.storedMessages(conversationId, { before: 3, limit: 2 }, this.#left.signal);
    await loading.then(
      ({ messages }) => {
        this.#beginning.value = messages;
      },
      () => {}, // the conversation is shown without its title
    );
  }

  /** Loads the messages before an event, in pages, until there are enough of them. */
  async #messagesBefore(
    before: number | undefined,
    limit: number,
    isEnough: (messages: readonly StoredMessage[]) => boolean,
  ): Promise<readonly StoredMessage[]> {
    const { api, conversationId } = this.#parts;
    let messages: StoredMessage[] = [];
    for (let next = before; ; next = messages[0]?.seq) {
      const page = await api.storedMessages(conversationId, { before: next, limit }, this.#left.signal);
      messages = [...page.messages, ...messages];
      this.#hasEarlier.value = page.hasEarlier;
      if (!page.hasEarlier || isEnough(messages)) return messages;
    }
  }

  begin(): { from: number; seen?: LastSeen | undefined } {
    this.#chunks = [];
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
    this.#chunks.push({ seq, chunk });
    if (chunk.type === "text" || chunk.type === "reasoning") return; // not the last chunk of the answer: `usage` follows and completes it
    this.#seen = { seq, turn_id: chunk.metadata.turn_id };
    // The event took some time to arrive, so the host's clock is ahead of this browser's clock by at least this difference.
    if (this.#isCurrent.value) this.#leastSkewMs = Math.max(this.#leastSkewMs, chunk.metadata.at - Date.now());
    addAll(this.#news.stored, this.#chunks);
    this.#news.live = this.#news.live.filter(({ type }) => type !== "text" && type !== "reasoning");
    this.#chunks = [];
  }

  #tellSoon(isCurrent: boolean): void {
    this.#willBeCurrent ||= isCurrent;
    if (this.#isTelling) return;
    this.#isTelling = true;
    onNextFrame(() => this.#tell());
  }

  #tell(): void {
    this.#isTelling = false;
    if (this.#left.signal.aborted) return;
    const change = this.#news;
    this.#news = { stored: [], live: [], isAnew: false };
    if (change.stored.length > 0) this.#stored.value = [...this.#stored.value, ...change.stored];
    for (const listener of this.#listeners) listener.changed(change);
    this.#isCurrent.value = this.#willBeCurrent;
  }
}

function hasBeginning(messages: readonly StoredMessage[]): boolean {
  return messages.some(({ chunk }) => chunk.type === "user_message");
}

/** Returns true if these last messages contain at least one whole turn, and every turn that has not ended. */
function areWholeTurns(messages: readonly StoredMessage[]): boolean {
  const begun = new Set<string>();
  const open = new Set<string>();
  for (const { chunk } of messages) {
    const { turn_id: turnId } = chunk.metadata;
    if (chunk.type === "fork" || chunk.type === "rewind") continue;
    if (chunk.type === "user_message") begun.add(turnId);
    if (chunk.type === "turn_end" || chunk.type === "turn_error") open.delete(turnId);
    else open.add(turnId);
  }
  return begun.size > 0 && [...open].every((turnId) => begun.has(turnId));
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

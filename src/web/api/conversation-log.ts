import { type ReadonlySignal, signal } from "@preact/signals";
import { Arrivals, type LogChange } from "./arrivals.js";
import { type Api, ApiFailure } from "./host-client.js";
import type { HostMessage, LastSeen, ShownError, StoredMessage } from "./host-messages.js";
import type { Follower, HostSocket } from "./socket.js";

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
  readonly #stored = signal<readonly StoredMessage[]>([]);
  readonly #isCurrent = signal(false);
  readonly #hasEarlier = signal(false);
  readonly #beginning = signal<readonly StoredMessage[]>([]);
  readonly #failure = signal<ShownError | undefined>(undefined);
  readonly #isMissing = signal(false);
  /** Stored messages in order, as in the answer of /api/sessions/ID. */
  readonly stored: ReadonlySignal<readonly StoredMessage[]> = this.#stored;
  /** True when the messages up to the last one that the conversation had at opening have arrived. */
  readonly isCurrent: ReadonlySignal<boolean> = this.#isCurrent;
  /** True if the conversation has messages before those in `stored`. */
  readonly hasEarlier: ReadonlySignal<boolean> = this.#hasEarlier;
  /** The first messages of the conversation, if `stored` does not begin with them. */
  readonly beginning: ReadonlySignal<readonly StoredMessage[]> = this.#beginning;
  readonly failure: ReadonlySignal<ShownError | undefined> = this.#failure;
  /** True if the host had no such conversation at opening, and has sent nothing of it since. */
  readonly isMissing: ReadonlySignal<boolean> = this.#isMissing;
  readonly #parts: LogParts;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<MessageListener>();

  readonly #arrivals = new Arrivals();
  #isNotifying = false;
  /** The value of `isCurrent` once the listeners are notified. */
  #willBeCurrent = false;
  #leastSkewMs = Number.NEGATIVE_INFINITY;
  #loadingEarlier: Promise<void> | undefined;

  constructor(parts: LogParts) {
    this.#parts = parts;
  }

  /** Time of the host's clock minus the time of this browser's clock, in ms. 0 if unknown. */
  get skewMs(): number {
    return Number.isFinite(this.#leastSkewMs) ? this.#leastSkewMs : 0;
  }

  /** The last event that has arrived completely. */
  get seen(): LastSeen | undefined {
    return this.#arrivals.seen;
  }

  /** Loads the end of the conversation and follows it until the returned function is called. */
  open(socket: HostSocket): () => void {
    const { isNew } = this.#parts;
    let leave = () => {};
    const follow = () => {
      if (!this.#closing.signal.aborted) leave = socket.follow(this);
    };
    if (isNew) follow();
    else void this.#loadEnd().then(follow);
    return () => {
      leave();
      this.#closing.abort();
    };
  }

  /** Notifies the listener until the returned function is called. Messages that arrived before are in `stored`. */
  listen(listener: MessageListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Loads messages before those in `stored`, with the beginning of at least one turn. Rejects with ApiFailure. */
  loadEarlier(most = eventsInPage): Promise<void> {
    this.#loadingEarlier ??= this.#loadBefore(most).finally(() => {
      this.#loadingEarlier = undefined;
    });
    return this.#loadingEarlier;
  }

  /** Loads the whole conversation, so that the browser can search it. Rejects with ApiFailure. */
  async loadAll(): Promise<void> {
    while (this.#hasEarlier.value && !this.#closing.signal.aborted) await this.loadEarlier(mostInPage);
  }

  async #loadBefore(most: number): Promise<void> {
    const [first] = this.#stored.value;
    if (!first || !this.#hasEarlier.value) return;
    const later = this.#stored.value;
    const messages = await this.#messagesBefore(first.seq, most, (found) => hasBeginning(standing(found, later)));
    if (this.#closing.signal.aborted) return;
    this.#stored.value = [...messages, ...this.#stored.value];
    for (const listener of this.#listeners) listener.prepended(messages);
  }

  /** Loads the last turns. Tries again until the host answers. A conversation that does not exist yet has no turns. */
  async #loadEnd(): Promise<void> {
    const { signal: closing } = this.#closing;
    while (!closing.aborted) {
      try {
        const messages = await this.#messagesBefore(undefined, eventsInPage, (found) => areWholeTurns(standing(found)));
        for (const message of messages) this.#take(message);
        this.#failure.value = undefined;
        this.#notifySoon(false);
        if (this.#hasEarlier.value) void this.#loadBeginning();
        return;
      } catch (error) {
        if (closing.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        if (error.kind === "not_found") {
          this.#isMissing.value = true;
          return;
        }
        const { message, kind, isPassing } = error;
        if (!isPassing) this.#failure.value = { error: message, kind, retryable: true, hint: "" };
      }
      await new Promise((resolve) => setTimeout(resolve, againAfterMs));
    }
  }

  /** Loads the first messages, which have the title. If that fails, the conversation is shown without its title. */
  async #loadBeginning(): Promise<void> {
    const { api, conversationId } = this.#parts;
    // The first event of a copy says of what it is a copy, and the second one is its first message.
    const loading = api.storedMessages(conversationId, { before: 3, limit: 2 }, this.#closing.signal);
    await loading.then(
      ({ messages }) => {
        this.#beginning.value = messages;
      },
      () => {},
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
      const page = await api.storedMessages(conversationId, { before: next, limit }, this.#closing.signal);
      messages = [...page.messages, ...messages];
      this.#hasEarlier.value = page.hasEarlier;
      if (!page.hasEarlier || isEnough(messages)) return messages;
    }
  }

  begin(): object {
    this.#arrivals.beginAnew();
    const { seen } = this.#arrivals;
    const payload = { from: (seen?.seq ?? 0) + 1, seen, follow: true };
    return { action: "history", conversation_id: this.#parts.conversationId, payload };
  }

  take(message: HostMessage): void {
    if (message.status === "error") this.#failure.value = message.chunk;
    else if (message.status === "complete") this.#failure.value = undefined;
    else if (message.status === "chunk" && message.seq === undefined) this.#arrivals.addLive(message.chunk);
    else if (message.status === "chunk") this.#take(message);
    this.#notifySoon(message.status === "complete");
  }

  #take(message: StoredMessage): void {
    this.#isMissing.value = false;
    const isNewEvent = this.#arrivals.add(message);
    if (!isNewEvent || !this.#isCurrent.value) return;
    // The event took some time to arrive, so the host's clock is ahead of this browser's clock by at least this difference.
    this.#leastSkewMs = Math.max(this.#leastSkewMs, message.chunk.metadata.at - Date.now());
  }

  #notifySoon(isCurrent: boolean): void {
    this.#willBeCurrent ||= isCurrent;
    if (this.#isNotifying) return;
    this.#isNotifying = true;
    onNextFrame(() => this.#notify());
  }

  #notify(): void {
    this.#isNotifying = false;
    if (this.#closing.signal.aborted) return;
    const change = this.#arrivals.change();
    if (change.stored.length > 0) this.#stored.value = [...this.#stored.value, ...change.stored];
    for (const listener of this.#listeners) listener.changed(change);
    this.#isCurrent.value = this.#willBeCurrent;
  }
}

/** Returns those of the messages that no rewind has taken back, neither one among them nor one among the messages after them (`later`). */
function standing(messages: readonly StoredMessage[], later: readonly StoredMessage[] = []): StoredMessage[] {
  let keptUpTo = Number.POSITIVE_INFINITY;
  const note = ({ chunk }: StoredMessage) => {
    if (chunk.type === "rewind") keptUpTo = Math.min(keptUpTo, chunk.data.to_seq);
  };
  for (const message of later) note(message);
  const isKept = (message: StoredMessage) => {
    note(message);
    return message.seq <= keptUpTo;
  };
  return [...messages].reverse().filter(isKept).reverse();
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
    if (chunk.type === "fork" || chunk.type === "rewind" || chunk.type === "title") continue;
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

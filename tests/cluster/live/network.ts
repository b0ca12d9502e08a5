/** Simulated processes that write and read one conversation, and messages between them that get lost, doubled and reordered. */

import { DeltaSender } from "../../../src/cluster/live/delta-sender.js";
import { Feeds } from "../../../src/cluster/live/feeds.js";
import { Cursor } from "../../../src/cluster/live/live-cursor.js";
import type { Frame } from "../../../src/cluster/live/relay-messages.js";
import type { LiveEvent, StoredEvent, TurnEvent } from "../../../src/core/events.js";

type Random = (below: number) => number;

interface Message {
  text: string;
  reasoning: string;
}

const pieces = ["word ", "x", "\u0000", '"\\', "é", "🙂", "日本語", "\n\n", "a longer stretch of text, ".repeat(4)];
const conversationId = "c1";
const nodeId = "reader";
const far = Number.MAX_SAFE_INTEGER;

/** Size limit of a message on the bus, so small that one answer needs many messages. */
const maxBytes = 320;

/** A reader that shows a conversation as the message protocol does: if deltas of a message were shown, the message is not shown again. */
export class Reader {
  readonly feeds: Feeds;
  readonly cursor: Cursor;
  readonly log: StoredEvent[];
  shown: Message = { text: "", reasoning: "" };
  /** Shown messages at the time when their event came. */
  readonly final: Message[] = [];
  readonly seen: TurnEvent[] = [];
  /** Number of deltas that came before the event of their message. */
  early = 0;
  #next = 0;

  constructor(feeds: Feeds, log: StoredEvent[], onChange = () => {}) {
    this.feeds = feeds;
    this.log = log;
    this.cursor = new Cursor(feeds.follow(conversationId, onChange).feed, { lastSeq: 0 });
  }

  /** Reads the next stored events, at most `most`. */
  look(most = Number.POSITIVE_INFINITY): void {
    for (const event of this.log.slice(this.#next, this.#next + most)) {
      this.#next++;
      this.#show(this.cursor.stored(event));
      this.#show([event]);
    }
  }

  take(): void {
    const events = this.cursor.take();
    this.early += events.filter(({ type }) => type === "text_delta").length;
    this.#show(events);
  }

  #show(events: readonly TurnEvent[]): void {
    for (const event of events) {
      this.seen.push(event);
      if (event.type === "text_delta") this.shown.text += event.delta;
      if (event.type === "reasoning_delta") this.shown.reasoning += event.delta;
      if (event.type === "discard") this.shown = { text: "", reasoning: "" };
      if (event.type !== "assistant_message") continue;
      const { content, reasoning = "" } = event.message;
      this.final.push({ text: this.shown.text || content, reasoning: this.shown.reasoning || reasoning });
      this.shown = { text: "", reasoning: "" };
    }
  }
}

/** The process that runs the turn, with the part of the message that it has written. */
class Writer {
  readonly sender = new DeltaSender();
  readonly #log: StoredEvent[];
  readonly #tries: Message[];
  message: Message = { text: "", reasoning: "" };

  constructor(log: StoredEvent[], tries: Message[], fence: number) {
    this.#log = log;
    this.#tries = tries;
    this.#begins();
    this.sender.begin(conversationId, { turnId: "t1", after: log.length, fence, attempt: 0 });
    this.sender.subscribe(nodeId, { conversationId }, far);
  }

  says(event: LiveEvent): void {
    if (event.type === "text_delta") this.message.text += event.delta;
    if (event.type === "reasoning_delta") this.message.reasoning += event.delta;
    if (event.type === "discard") this.#begins();
    this.sender.note(conversationId, event);
  }

  stores(): void {
    const { text: content, reasoning } = this.message;
    const message = { role: "assistant" as const, content, reasoning, toolCalls: [] };
    const facts = { finishReason: "stop", provider: "p", model: "m", attempts: 1 } as const;
    const seq = this.#log.length + 1;
    const event = { type: "assistant_message", turnId: "t1", message, ...facts, seq, at: seq } as const;
    this.#log.push(event);
    this.sender.note(conversationId, event);
    this.#begins();
  }

  #begins(): void {
    this.message = { text: "", reasoning: "" };
    this.#tries.push(this.message);
  }
}

export class Network {
  readonly log: StoredEvent[] = [{ type: "user_message", turnId: "t1", requestId: "r1", content: [], seq: 1, at: 1 }];
  readonly readers: Reader[];
  /** Every text that was ever written for any message. */
  readonly tries: Message[] = [];
  readonly #feeds = new Feeds();
  readonly #random: Random;
  #writer: Writer;
  /** Writers whose turn was taken over and that do not know it yet. */
  readonly #stale: Writer[] = [];
  #fence = 1;
  #now = 0;
  readonly #onTheWay: (() => void)[] = [];

  constructor(random: Random, readers = 2) {
    this.#random = random;
    this.#writer = new Writer(this.log, this.tries, this.#fence);
    this.readers = Array.from({ length: readers }, () => new Reader(this.#feeds, this.log));
  }

  step(): void {
    const random = this.#random;
    this.#now += random(100);
    const writer = random(10) === 0 ? (this.#stale[random(this.#stale.length || 1)] ?? this.#writer) : this.#writer;
    const reader = this.readers[random(this.readers.length)];
    const kind = random(100);
    if (kind < 25) this.say(writer);
    else if (kind < 26) writer.says({ type: "discard", reason: "once more" });
    else if (kind < 28) this.#writer.stores();
    else if (kind < 29) this.takeOver();
    else if (kind < 45) this.tell(writer);
    else if (kind < 50) this.ask();
    else if (kind < 80) this.#deliver();
    else if (kind < 92) reader?.take();
    else reader?.look(random(3));
  }

  say(writer = this.#writer): void {
    const random = this.#random;
    const delta = Array.from({ length: 1 + random(5) }, () => pieces[random(pieces.length)]).join("");
    writer.says({ type: writer.message.text || random(3) ? "text_delta" : "reasoning_delta", delta });
  }

  stores(): void {
    this.#writer.stores();
  }

  /** Lets a new writer take over. Its message begins with the same words, or with others. */
  takeOver(): void {
    const before = this.#writer;
    this.#stale.push(before);
    this.#writer = new Writer(this.log, this.tries, ++this.#fence);
    const { text, reasoning } = before.message;
    if (this.#random(2)) return;
    if (reasoning) this.#writer.says({ type: "reasoning_delta", delta: reasoning });
    if (text) this.#writer.says({ type: "text_delta", delta: text.slice(0, this.#random(text.length + 1)) });
  }

  tell(writer = this.#writer): void {
    for (const json of writer.sender.frames(maxBytes, this.#now).get(nodeId) ?? []) {
      if (Buffer.byteLength(json) > maxBytes) throw new Error(`a frame of ${Buffer.byteLength(json)} bytes`);
      this.#onTheWay.push(() => {
        this.#feeds.take(JSON.parse(json) as Frame, this.#now);
      });
    }
  }

  ask(): void {
    if (this.#random(4) === 0) this.#feeds.repeat();
    for (const watch of this.#feeds.takeDue().subscriptions) {
      this.#onTheWay.push(() => {
        for (const { sender } of [this.#writer, ...this.#stale]) sender.subscribe(nodeId, watch, far);
      });
    }
  }

  /** Delivers every message on its way, in order. */
  settle(): void {
    for (const arrives of this.#onTheWay.splice(0)) arrives();
  }

  /** Loses every message on its way. */
  lose(): void {
    this.#onTheWay.splice(0);
  }

  /** The unstored message as written so far. */
  get written(): Message {
    return this.#writer.message;
  }

  /** Delivers one message, delivers it and keeps a copy, or loses it. */
  #deliver(): void {
    const index = this.#random(3) ? 0 : this.#random(this.#onTheWay.length || 1);
    const message = this.#onTheWay[index];
    const fate = this.#random(10);
    if (fate < 8) message?.();
    if (fate !== 8) this.#onTheWay.splice(index, 1);
  }
}

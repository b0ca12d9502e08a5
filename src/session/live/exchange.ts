/** Sends hosts on the same log what happens in turns that run here, as long as somebody there follows them. */
import type { TurnEvent } from "../../core/chat.js";
import type { BusMessage, LiveBus } from "../../core/live-bus.js";
import { type Feed, Feeds } from "./feeds.js";
import { packed, readFrames } from "./frames.js";
import { type Offer, readOffers } from "./offer.js";
import type { OpenMessage, Place } from "./open-message.js";
import { Routes } from "./routes.js";
import { Streams } from "./streams.js";
import { Teller } from "./teller.js";
import { readWords, type Word } from "./words.js";

interface ExchangeParts {
  bus: LiveBus;
  nodeId: string;
  /** Machine on which this host's own addresses are valid. */
  machine: string;
  now: () => number;
}

/** Events within this time are sent in one message. */
const windowMs = 40;
/** The same for a stream, which costs the database nothing. */
const streamWindowMs = 5;
/** Time between two renewals of a subscription. */
const repeatMs = 5_000;
/** A subscription expires after this long without a renewal. */
const silentMs = 3 * repeatMs;
/** Bytes per send, so that a long answer does not hold up the others. */
const room = 256 * 1024;

/** Channel that every host receives. */
const everybody = "live";

export class LiveExchange {
  readonly #bus: LiveBus;
  readonly #nodeId: string;
  readonly #machine: string;
  readonly #now: () => number;
  readonly #teller = new Teller();
  readonly #feeds = new Feeds();
  readonly #stops: (() => void)[] = [];
  readonly #streams: Streams;
  readonly #routes = new Routes(() => this.#writeSoon());
  #offer: Offer | undefined;
  /** When the stream offer was last sent to a host. */
  readonly #offeredAt = new Map<string, number>();
  #writing: NodeJS.Timeout | undefined;
  /** True while hosts must be asked to subscribe again: a follower may have subscribed before this host listened. */
  #saysHello = false;
  #hears = false;
  #hasRun = false;
  #follows = false;
  #timer: NodeJS.Timeout | undefined;
  #sentAt = 0;
  #isSending = false;
  #isClosed = false;

  constructor({ bus, nodeId, machine, now }: ExchangeParts) {
    this.#bus = bus;
    this.#nodeId = nodeId;
    this.#machine = machine;
    this.#now = now;
    const onText = (text: string) => this.#take(text);
    const onLost = () => {
      this.#feeds.repeat();
      this.#schedule();
    };
    this.#streams = new Streams({ nodeId, machine, now, silentMs, onText, onLost });
    const hear = (text: string) => {
      for (const word of readWords(text)) if (word.nodeId !== nodeId) this.#hear(word);
      this.#schedule();
    };
    this.#stops.push(
      bus.receive(everybody, hear, () => {
        this.#hears = true;
        this.#saysHello = this.#hasRun;
        this.#schedule();
      }),
    );
    const repeating = setInterval(() => {
      this.#teller.sweep(now());
      for (const [other, at] of this.#offeredAt) if (now() - at >= repeatMs) this.#offeredAt.delete(other);
      this.#routes.beat();
      if (this.#feeds.isEmpty) this.#streams.close();
      this.#feeds.repeat();
      this.#schedule();
    }, repeatMs);
    repeating.unref();
    this.#stops.push(() => clearInterval(repeating));
  }

  begin(conversationId: string, place: Place): void {
    this.#saysHello ||= this.#hears && !this.#hasRun;
    this.#hasRun = true;
    this.#teller.begin(conversationId, place);
    this.#feeds.supersede(conversationId, place);
    this.#schedule();
  }

  /** Records an event of a turn that runs here. Without `turnId`, it belongs to the turn being written. */
  note(conversationId: string, event: TurnEvent, turnId?: string): void {
    this.#teller.note(conversationId, event, turnId);
    this.#schedule();
  }

  end(conversationId: string, turnId: string): void {
    this.#teller.end(conversationId, turnId);
  }

  /** Returns the open message of the turn that runs here. */
  writing(conversationId: string): OpenMessage | undefined {
    return this.#teller.writing(conversationId);
  }

  /** Follows what other hosts write in the conversation, until `leave`. `onChange`: there is more. */
  follow(conversationId: string, onChange: () => void): { feed: Feed; leave: () => void } {
    this.#listen();
    const { feed, leave } = this.#feeds.follow(conversationId, onChange);
    this.#schedule();
    const leaving = () => {
      leave();
      this.#schedule();
    };
    return { feed, leave: leaving };
  }

  /** Lets other hosts open a stream at this address, which arrives in `serve`. `isLocal`: only hosts on this machine. */
  offer(url: string, secret: string, { isLocal }: { isLocal: boolean }): void {
    this.#offer = { by: this.#nodeId, url, secret, ...(isLocal && { machine: this.#machine }) };
  }

  /**
   * Sends that host all further frames by `write` instead of the bus, until it disconnects. `write` resolves when there is room for more.
   */
  serve(nodeId: string, write: (text: string) => Promise<void>, gone: AbortSignal): Promise<void> {
    return this.#isClosed ? Promise.resolve() : this.#routes.serve(nodeId, write, gone);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#writing);
    this.#streams.close();
    this.#routes.close();
    for (const stop of this.#stops) stop();
  }

  /** Subscribes to this host's own channel. */
  #listen(): void {
    if (this.#follows) return;
    this.#follows = true;
    const take = (text: string) => {
      for (const offer of readOffers(text)) this.#streams.take(offer);
      this.#take(text);
    };
    this.#stops.push(
      this.#bus.receive(channelOf(this.#nodeId), take, () => {
        this.#feeds.repeat();
        this.#schedule();
      }),
    );
  }

  #take(text: string): void {
    for (const frame of readFrames(text)) this.#feeds.take(frame, this.#now());
    this.#schedule();
  }

  #hear(word: Word): void {
    if (word.say === "hello") this.#feeds.repeat();
    else if (word.say === "streams") {
      if (!word.from.includes(this.#nodeId)) this.#routes.drop(word.nodeId);
    } else if (word.say === "leave") this.#teller.left(word.nodeId, word.conversationId);
    else this.#teller.watched(word.nodeId, word, this.#now() + silentMs);
  }

  get #isDue(): boolean {
    return this.#teller.isDue || this.#feeds.isDue || this.#saysHello;
  }

  /** Sends at once if nothing was sent within the last window. */
  #schedule(): void {
    this.#writeSoon();
    if (this.#timer || this.#isSending || this.#isClosed || !this.#isDue) return;
    const wait = Math.min(windowMs, Math.max(0, this.#sentAt + windowMs - this.#now()));
    this.#timer = setTimeout(() => void this.#send(), wait);
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    this.#sentAt = this.#now();
    const messages = [...this.#words(), ...this.#frames()];
    this.#isSending = true;
    await this.#bus.send(messages);
    this.#isSending = false;
    this.#schedule();
  }

  #words(): BusMessage[] {
    const { watches, left } = this.#feeds.news();
    const nodeId = this.#nodeId;
    const words: Word[] = [
      ...(this.#saysHello ? [{ nodeId, say: "hello" as const }] : []),
      ...(watches.length > 0 ? [{ nodeId, say: "streams" as const, from: this.#streams.from }] : []),
      ...watches.map((watch) => ({ nodeId, say: "watch" as const, ...watch })),
      ...left.map((conversationId) => ({ nodeId, say: "leave" as const, conversationId })),
    ];
    this.#saysHello = false;
    return this.#packed(
      everybody,
      words.map((word) => JSON.stringify(word)),
    );
  }

  *#frames(): Generator<BusMessage> {
    const { maxBytes } = this.#bus;
    const isFor = (nodeId: string) => !this.#routes.has(nodeId);
    const frames = this.#teller.frames(this.#now(), { maxBytes: maxBytes - listBytes, room, isFor });
    for (const [nodeId, own] of frames) yield* this.#packed(channelOf(nodeId), [...this.#offerTo(nodeId), ...own]);
  }

  /** Returns the stream offer, repeated from time to time in case it was lost or the host could not connect. */
  #offerTo(nodeId: string): string[] {
    if (!this.#offer || this.#offeredAt.has(nodeId)) return [];
    this.#offeredAt.set(nodeId, this.#now());
    return [JSON.stringify(this.#offer)];
  }

  /** Schedules the frames for hosts with a stream. */
  #writeSoon(): void {
    if (this.#routes.isEmpty || this.#writing || !this.#teller.isDue || this.#isClosed) return;
    this.#writing = setTimeout(() => {
      this.#writing = undefined;
      const isFor = (nodeId: string) => this.#routes.hasRoom(nodeId);
      const frames = this.#teller.frames(this.#now(), { maxBytes: room, room, isFor });
      for (const [nodeId, own] of frames) this.#routes.send(nodeId, `[${own.join()}]`);
    }, streamWindowMs);
    this.#writing.unref();
  }

  #packed(channel: string, texts: readonly string[]): BusMessage[] {
    return packed(texts, this.#bus.maxBytes).map((text) => ({ channel, text }));
  }
}

/** Bytes that enclose a list of one text. */
const listBytes = 2;

function channelOf(nodeId: string): string {
  return `${everybody} ${nodeId}`;
}

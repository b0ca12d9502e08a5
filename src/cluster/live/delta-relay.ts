/**
 * Sends the live events of turns that run here to the hosts that follow these turns, and receives the live events of turns on other hosts.
 * All hosts use the same log.
 */

import type { PeerStreams } from "../../core/cluster-port.js";
import type { TurnEvent } from "../../core/events.js";
import type { BusMessage, LiveBus } from "../../core/live-bus.js";
import { DeltaSender } from "./delta-sender.js";
import { type Feed, Feeds } from "./feeds.js";
import { packed, readFrames } from "./frames.js";
import type { MessagePosition, OpenMessage } from "./open-message.js";
import { readOffers, type StreamOffer } from "./stream-offer.js";
import { StreamRoutes } from "./stream-routes.js";
import { Streams } from "./streams.js";
import { readWords, type Word } from "./subscriptions.js";

interface DeltaRelayParts {
  bus: LiveBus;
  nodeId: string;
  /** Identifies this machine. Local addresses of this host are valid only on this machine. */
  machine: string;
}

/** Period in which events are collected before they are sent in one message over the bus (notifications of the database), in ms. */
const windowMs = 40;
/**
 * Period in which events are collected before they are sent over a stream, in ms. It is shorter than for the bus, because a stream costs
 * the database nothing.
 */
const streamWindowMs = 5;
/** Time between two renewals of a subscription, in ms. */
const repeatMs = 5_000;
/** Time after which a subscription expires unless it is renewed, in ms. */
const silentMs = 3 * repeatMs;
/** Maximum number of bytes in one send, so that a long answer does not delay other answers. */
const room = 256 * 1024;

/** Channel that all hosts receive. */
const everybody = "live";

export class DeltaRelay implements PeerStreams {
  readonly #parts: DeltaRelayParts;
  readonly #sender = new DeltaSender();
  readonly #feeds = new Feeds();
  readonly #stops: (() => void)[] = [];
  readonly #streams: Streams;
  readonly #routes = new StreamRoutes(() => this.#writeSoon());
  #offer: StreamOffer | undefined;
  /** For each other host, the time at which this host last offered it a stream. */
  readonly #offeredAt = new Map<string, number>();
  #writing: NodeJS.Timeout | undefined;
  /**
   * True if this host must ask other hosts to repeat their subscriptions, because those hosts may have sent their subscriptions before this
   * host listened.
   */
  #saysHello = false;
  #hears = false;
  #hasRun = false;
  #follows = false;
  #timer: NodeJS.Timeout | undefined;
  #sentAt = 0;
  #isSending = false;
  #isClosed = false;

  constructor(parts: DeltaRelayParts) {
    const { bus, nodeId, machine } = parts;
    this.#parts = parts;
    const onText = (text: string) => this.#take(text);
    const onLost = () => {
      this.#feeds.repeat();
      this.#schedule();
    };
    this.#streams = new Streams({ nodeId, machine, silentMs, onText, onLost });
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
      this.#sender.sweep(performance.now());
      for (const [other, at] of this.#offeredAt) if (performance.now() - at >= repeatMs) this.#offeredAt.delete(other);
      this.#routes.beat();
      if (this.#feeds.isEmpty) this.#streams.close();
      this.#feeds.repeat();
      this.#schedule();
    }, repeatMs);
    repeating.unref();
    this.#stops.push(() => clearInterval(repeating));
  }

  begin(conversationId: string, place: MessagePosition): void {
    this.#saysHello ||= this.#hears && !this.#hasRun;
    this.#hasRun = true;
    this.#sender.begin(conversationId, place);
    this.#feeds.supersede(conversationId, place);
    this.#schedule();
  }

  /**
   * Records an event of a turn that runs here. If `turnId` is missing, the event belongs to the turn that is writing in the conversation.
   */
  note(conversationId: string, event: TurnEvent, turnId?: string): void {
    this.#sender.note(conversationId, event, turnId);
    this.#schedule();
  }

  end(conversationId: string, turnId: string): void {
    this.#sender.end(conversationId, turnId);
  }

  /** Returns the message that a turn on this host is currently writing in the conversation. */
  writing(conversationId: string): OpenMessage | undefined {
    return this.#sender.writing(conversationId);
  }

  /**
   * Follows what other hosts write in the conversation. `onChange` is called when the feed has changed. To stop following, call `leave` of
   * the result.
   */
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

  /**
   * Invites other hosts to open streams at this address. The server at the address must pass each stream to `serve`. If `isLocal` is true,
   * only hosts on this machine can use the address.
   */
  offer(url: string, secret: string, { isLocal }: { isLocal: boolean }): void {
    this.#offer = { by: this.#parts.nodeId, url, secret, ...(isLocal && { machine: this.#parts.machine }) };
  }

  /**
   * Sends all further frames for the given host through `write` instead of the bus. Resolves when the stream has ended. The promise that
   * `write` returns must resolve when the stream has room for more.
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

  /** Starts to receive the channel on which other hosts send frames and offers to this host. */
  #listen(): void {
    if (this.#follows) return;
    this.#follows = true;
    const take = (text: string) => {
      for (const offer of readOffers(text)) this.#streams.take(offer);
      this.#take(text);
    };
    this.#stops.push(
      this.#parts.bus.receive(channelOf(this.#parts.nodeId), take, () => {
        this.#feeds.repeat();
        this.#schedule();
      }),
    );
  }

  #take(text: string): void {
    for (const frame of readFrames(text)) this.#feeds.take(frame, performance.now());
    this.#schedule();
  }

  #hear(word: Word): void {
    if (word.say === "hello") this.#feeds.repeat();
    else if (word.say === "streams") {
      if (!word.from.includes(this.#parts.nodeId)) this.#routes.drop(word.nodeId);
    } else if (word.say === "leave") this.#sender.left(word.nodeId, word.conversationId);
    else this.#sender.watched(word.nodeId, word, performance.now() + silentMs);
  }

  get #isDue(): boolean {
    return this.#sender.isDue || this.#feeds.isDue || this.#saysHello;
  }

  /**
   * Schedules a send over the bus. It takes place at once or, if something was sent less than `windowMs` ago, at the end of that window.
   */
  #schedule(): void {
    this.#writeSoon();
    if (this.#timer || this.#isSending || this.#isClosed || !this.#isDue) return;
    const wait = Math.min(windowMs, Math.max(0, this.#sentAt + windowMs - performance.now()));
    this.#timer = setTimeout(() => void this.#send(), wait);
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    this.#sentAt = performance.now();
    const messages = [...this.#words(), ...this.#frames()];
    this.#isSending = true;
    await this.#parts.bus.send(messages);
    this.#isSending = false;
    this.#schedule();
  }

  #words(): BusMessage[] {
    const { watches, left } = this.#feeds.news();
    const nodeId = this.#parts.nodeId;
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
    const { maxBytes } = this.#parts.bus;
    const isFor = (nodeId: string) => !this.#routes.has(nodeId);
    const frames = this.#sender.frames(performance.now(), { maxBytes: maxBytes - listBytes, room, isFor });
    for (const [nodeId, own] of frames) yield* this.#packed(channelOf(nodeId), [...this.#offerTo(nodeId), ...own]);
  }

  /**
   * Returns a list with this host's offer of a stream, as JSON. Returns an empty list if the other host got the offer a short while ago.
   * The offer is repeated from time to time, because it may get lost or the other host may fail to connect.
   */
  #offerTo(nodeId: string): string[] {
    if (!this.#offer || this.#offeredAt.has(nodeId)) return [];
    this.#offeredAt.set(nodeId, performance.now());
    return [JSON.stringify(this.#offer)];
  }

  /** Schedules the sending of frames to hosts with a stream. */
  #writeSoon(): void {
    if (this.#routes.isEmpty || this.#writing || !this.#sender.isDue || this.#isClosed) return;
    this.#writing = setTimeout(() => {
      this.#writing = undefined;
      const isFor = (nodeId: string) => this.#routes.hasRoom(nodeId);
      const frames = this.#sender.frames(performance.now(), { maxBytes: room, room, isFor });
      for (const [nodeId, own] of frames) this.#routes.send(nodeId, `[${own.join()}]`);
    }, streamWindowMs);
    this.#writing.unref();
  }

  #packed(channel: string, texts: readonly string[]): BusMessage[] {
    return packed(texts, this.#parts.bus.maxBytes).map((text) => ({ channel, text }));
  }
}

/** Number of bytes that a JSON list with a single text has in addition to the text. */
const listBytes = 2;

function channelOf(nodeId: string): string {
  return `${everybody} ${nodeId}`;
}

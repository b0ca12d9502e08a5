/**
 * Sends the live events of turns that run here to the hosts that follow these turns, and receives the live events of turns on other hosts.
 * All hosts use the same log.
 */

import type { BusMessage, LiveBus } from "../../core/chat-store.js";
import type { TurnEvent } from "../../core/events.js";
import { DeltaSender } from "./delta-sender.js";
import { type Feed, Feeds } from "./feeds.js";
import type { MessagePosition, OpenMessage } from "./open-message.js";
import { type Announcement, type Frame, overheadBytes, pack, unpack } from "./relay-messages.js";

/**
 * Period in which events are collected before they are sent, in ms. Each send is a transaction of the database, and people do not notice
 * this delay.
 */
const windowMs = 40;
/** Time between two renewals of a subscription, in ms. */
const renewalMs = 5_000;
/** Time after which a subscription expires unless it is renewed, in ms. */
const expiryMs = 3 * renewalMs;

/** Channel that all hosts receive. */
const everybody = "live";

export class DeltaRelay {
  readonly #bus: LiveBus;
  readonly #nodeId: string;
  readonly #sender = new DeltaSender();
  readonly #feeds = new Feeds();
  readonly #stops: (() => void)[];
  /**
   * True if the other hosts may have sent subscriptions while this host did not listen. Once a turn runs here, this host asks them to repeat
   * their subscriptions.
   */
  #needsHello = false;
  #timer: NodeJS.Timeout | undefined;
  #sentAt = 0;
  #isSending = false;
  #isClosed = false;

  constructor({ bus, nodeId }: { bus: LiveBus; nodeId: string }) {
    this.#bus = bus;
    this.#nodeId = nodeId;
    const renewing = setInterval(() => {
      this.#sender.sweep(performance.now());
      this.#renew();
    }, renewalMs);
    renewing.unref();
    const listens = () => {
      this.#needsHello = true;
      this.#schedule();
    };
    this.#stops = [
      () => clearInterval(renewing),
      bus.receive(everybody, (text) => this.#hear(text), listens),
      bus.receive(
        channelOf(nodeId),
        (text) => this.#take(text),
        () => this.#renew(),
      ),
    ];
  }

  begin(conversationId: string, position: MessagePosition): void {
    this.#sender.begin(conversationId, position);
    this.#feeds.supersede(conversationId, position);
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
    const { feed, leave } = this.#feeds.follow(conversationId, onChange);
    this.#schedule();
    const leaving = () => {
      leave();
      this.#schedule();
    };
    return { feed, leave: leaving };
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const stop of this.#stops) stop();
  }

  #renew(): void {
    this.#feeds.repeat();
    this.#schedule();
  }

  #take(text: string): void {
    for (const frame of unpack<Frame>(text)) this.#feeds.take(frame, performance.now());
    this.#schedule();
  }

  #hear(text: string): void {
    for (const announcement of unpack<Announcement>(text)) {
      const { nodeId, type } = announcement;
      if (nodeId === this.#nodeId) continue;
      if (type === "hello") this.#feeds.repeat();
      else if (type === "leave") this.#sender.unsubscribe(nodeId, announcement.conversationId);
      else this.#sender.subscribe(nodeId, announcement, performance.now() + expiryMs);
    }
    this.#schedule();
  }

  get #isHelloDue(): boolean {
    return this.#needsHello && this.#sender.isWriting;
  }

  /** Schedules a send. It takes place at once or, if something was sent less than `windowMs` ago, at the end of that window. */
  #schedule(): void {
    if (this.#timer || this.#isSending || this.#isClosed) return;
    if (!this.#sender.isDue && !this.#feeds.isDue && !this.#isHelloDue) return;
    const wait = Math.min(windowMs, Math.max(0, this.#sentAt + windowMs - performance.now()));
    this.#timer = setTimeout(() => void this.#send(), wait);
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    this.#sentAt = performance.now();
    this.#isSending = true;
    await this.#bus.send([...this.#packed(everybody, this.#announcements()), ...this.#frames()]);
    this.#isSending = false;
    this.#schedule();
  }

  #announcements(): string[] {
    const { subscriptions, left } = this.#feeds.takeDue();
    const nodeId = this.#nodeId;
    const announcements: Announcement[] = [
      ...(this.#isHelloDue ? [{ nodeId, type: "hello" as const }] : []),
      ...subscriptions.map((subscription) => ({ nodeId, type: "follow" as const, ...subscription })),
      ...left.map((conversationId) => ({ nodeId, type: "leave" as const, conversationId })),
    ];
    if (this.#isHelloDue) this.#needsHello = false;
    return announcements.map((announcement) => JSON.stringify(announcement));
  }

  #frames(): BusMessage[] {
    const frames = this.#sender.frames(this.#bus.maxBytes - overheadBytes, performance.now());
    return [...frames].flatMap(([nodeId, own]) => this.#packed(channelOf(nodeId), own));
  }

  #packed(channel: string, messages: readonly string[]): BusMessage[] {
    return pack(messages, this.#bus.maxBytes).map((text) => ({ channel, text }));
  }
}

function channelOf(nodeId: string): string {
  return `${everybody} ${nodeId}`;
}

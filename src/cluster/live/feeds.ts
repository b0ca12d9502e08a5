import { compare, type MessagePosition, type OpenMessage } from "./open-message.js";
import { type Frame, joinFrame, openOf, type Subscription } from "./relay-messages.js";

/** The message that another host is writing in a conversation, as far as this host has received it. */
export interface Feed {
  readonly open: OpenMessage | undefined;
}

class FollowedConversation implements Feed {
  open: OpenMessage | undefined;
  readonly followers = new Set<() => void>();
  /** Time at which the writer was last asked to send missing parts. */
  askedAt = Number.NEGATIVE_INFINITY;
}

/**
 * Minimum time between two requests for missing parts, in ms. Without this minimum, one lost frame would lead to a request for every frame
 * after it.
 */
const askMs = 250;

/** The conversations that are followed here because other hosts may write in them. */
export class Feeds {
  readonly #feeds = new Map<string, FollowedConversation>();
  /** Ids of the conversations whose subscription must be sent, for the first time or again. */
  readonly #unsent = new Set<string>();
  readonly #left = new Set<string>();

  follow(conversationId: string, onChange: () => void): { feed: Feed; leave: () => void } {
    const feed = this.#feeds.get(conversationId) ?? new FollowedConversation();
    if (feed.followers.size === 0) this.#unsent.add(conversationId);
    this.#left.delete(conversationId);
    this.#feeds.set(conversationId, feed);
    const follower = () => onChange();
    feed.followers.add(follower);
    const leave = () => {
      feed.followers.delete(follower);
      if (feed.followers.size > 0 || this.#feeds.get(conversationId) !== feed) return;
      this.#feeds.delete(conversationId);
      this.#unsent.delete(conversationId);
      this.#left.add(conversationId);
    };
    return { feed, leave };
  }

  /** Adds a frame to its message. If a part before the frame is missing, renews the subscription, which requests the missing part. */
  take(frame: Frame, now: number): void {
    const feed = this.#feeds.get(frame.conversationId);
    if (!feed || !open(feed, frame)) return;
    if (feed.open && !joinFrame(feed.open, frame) && now - feed.askedAt >= askMs) {
      feed.askedAt = now;
      this.#unsent.add(frame.conversationId);
    }
    for (const changed of feed.followers) changed();
  }

  /** Drops the open message if its position is before `position`: a new writer has taken over the conversation. */
  supersede(conversationId: string, position: MessagePosition): void {
    const feed = this.#feeds.get(conversationId);
    if (feed) open(feed, { conversationId, ...position });
  }

  /** Marks all subscriptions to be sent again. */
  repeat(): void {
    for (const conversationId of this.#feeds.keys()) this.#unsent.add(conversationId);
  }

  get isDue(): boolean {
    return this.#unsent.size + this.#left.size > 0;
  }

  /** Returns the subscriptions that must be sent, and in `left` the conversations to unsubscribe from. Marks both as sent. */
  takeDue(): { subscriptions: Subscription[]; left: string[] } {
    const subscriptions = [...this.#unsent].map((conversationId) => {
      const open = this.#feeds.get(conversationId)?.open;
      return open ? { conversationId, has: { position: open.position, known: open.known } } : { conversationId };
    });
    const left = [...this.#left];
    this.#unsent.clear();
    this.#left.clear();
    return { subscriptions, left };
  }
}

/**
 * Opens the frame's message if it is newer than the message that is open. Returns false if the frame's message is older, because that
 * message is over.
 */
function open(feed: FollowedConversation, frame: Frame): boolean {
  const order = feed.open ? compare(frame, feed.open.position) : 1;
  if (order > 0) feed.open = openOf(frame);
  return order >= 0;
}

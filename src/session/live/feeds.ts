import { type Frame, join, openOf } from "./frames.js";
import { compare, type OpenMessage, type Place } from "./open-message.js";
import type { Watch } from "./words.js";

/** What another process writes in a conversation. */
export interface Feed {
  readonly open: OpenMessage | undefined;
}

class Followed implements Feed {
  open: OpenMessage | undefined;
  readonly followers = new Set<() => void>();
  /** When its writer was last asked for what was missing. */
  askedAt = Number.NEGATIVE_INFINITY;
}

/** Frames that are on their way when one is missed would each ask for it again. */
const askMs = 250;

/** The conversations that somebody here follows. */
export class Feeds {
  readonly #feeds = new Map<string, Followed>();
  /** Those that the others are to be told of. */
  readonly #unsaid = new Set<string>();
  readonly #left = new Set<string>();

  /** `onChange`: the feed has more. */
  follow(conversationId: string, onChange: () => void): { feed: Feed; leave: () => void } {
    const feed = this.#feeds.get(conversationId) ?? new Followed();
    if (feed.followers.size === 0) this.#unsaid.add(conversationId);
    this.#left.delete(conversationId);
    this.#feeds.set(conversationId, feed);
    const follower = () => onChange();
    feed.followers.add(follower);
    const leave = () => {
      feed.followers.delete(follower);
      if (feed.followers.size > 0 || this.#feeds.get(conversationId) !== feed) return;
      this.#feeds.delete(conversationId);
      this.#unsaid.delete(conversationId);
      this.#left.add(conversationId);
    };
    return { feed, leave };
  }

  get isEmpty(): boolean {
    return this.#feeds.size === 0;
  }

  /** Also asks for what is missing before it. */
  take(frame: Frame, now: number): void {
    const feed = this.#feeds.get(frame.conversationId);
    if (!feed || !open(feed, frame)) return;
    if (feed.open && !join(feed.open, frame) && now - feed.askedAt >= askMs) {
      feed.askedAt = now;
      this.#unsaid.add(frame.conversationId);
    }
    for (const changed of feed.followers) changed();
  }

  /** Whoever wrote before this place does so in vain. */
  supersede(conversationId: string, place: Place): void {
    const feed = this.#feeds.get(conversationId);
    if (feed) open(feed, { conversationId, ...place });
  }

  /** All of it is told to the others again. */
  repeat(): void {
    for (const conversationId of this.#feeds.keys()) this.#unsaid.add(conversationId);
  }

  get isDue(): boolean {
    return this.#unsaid.size + this.#left.size > 0;
  }

  /** What the others are to be told, once. */
  news(): { watches: Watch[]; left: string[] } {
    const watches = [...this.#unsaid].map((conversationId) => {
      const place = this.#feeds.get(conversationId)?.open?.place;
      const known = this.#feeds.get(conversationId)?.open?.known;
      return place && known ? { conversationId, has: { place, known } } : { conversationId };
    });
    const left = [...this.#left];
    this.#unsaid.clear();
    this.#left.clear();
    return { watches, left };
  }
}

/** False when the frame is of a message that is known to be over. */
function open(feed: Followed, frame: Frame): boolean {
  const order = feed.open ? compare(frame, feed.open.place) : 1;
  if (order > 0) feed.open = openOf(frame);
  return order >= 0;
}

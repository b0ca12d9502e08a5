import type { TurnEvent } from "../../core/events.js";
import { addTo } from "../../core/lists/long-lists.js";
import { isSamePosition, type Known, type MessagePosition, OpenMessage, type Received } from "./open-message.js";
import { nextFrame, type Subscription } from "./relay-messages.js";

interface SubscribedHost {
  /** Time at which the subscription expires, by the clock of `performance`. */
  until: number;
  /** How much was sent to the host, and of which message. Undefined if nothing was sent yet. */
  sent?: Received | undefined;
}

/** Maximum number of bytes that are sent at a time, so that a long answer does not delay other answers. */
const maxSentBytes = 256 * 1024;

/**
 * The open messages of the turns that run here, and the hosts that follow these messages. Parts are not queued: whenever there is room to
 * send, this class determines which parts each host lacks. So a slow bus gets fewer and longer frames.
 */
export class DeltaSender {
  readonly #writing = new Map<string, OpenMessage>();
  /** For each conversation, the hosts that follow it, by their id. */
  readonly #followers = new Map<string, Map<string, SubscribedHost>>();
  /** Ids of the conversations of which some parts have not been sent yet. */
  readonly #due = new Set<string>();
  /** Ids of the conversations whose turn has ended. They are dropped once their last delta has been sent. */
  readonly #ended = new Set<string>();

  /**
   * Opens the message that a turn begins to write. Does nothing while another turn is writing in the conversation: the given turn was then
   * cancelled while it waited for the other turn, and only ends.
   */
  begin(conversationId: string, position: MessagePosition): void {
    const other = this.#writing.get(conversationId);
    if (other && other.position.turnId !== position.turnId && !this.#ended.has(conversationId)) return;
    this.#writing.set(conversationId, new OpenMessage(position));
    this.#ended.delete(conversationId);
    this.#mark(conversationId);
  }

  /** Records an event of a turn. Without `turnId`, the event belongs to the turn that is writing. Ignores events of other turns. */
  note(conversationId: string, event: TurnEvent, turnId?: string): void {
    const open = this.#writing.get(conversationId);
    if (!open || open.position.turnId !== (turnId ?? open.position.turnId)) return;
    this.#writing.set(conversationId, open.after(event));
    this.#mark(conversationId);
  }

  end(conversationId: string, turnId: string): void {
    if (this.#writing.get(conversationId)?.position.turnId !== turnId) return;
    if (this.#due.has(conversationId)) this.#ended.add(conversationId);
    else this.#writing.delete(conversationId);
  }

  writing(conversationId: string): OpenMessage | undefined {
    return this.#writing.get(conversationId);
  }

  /** True while a turn that runs here is writing. */
  get isWriting(): boolean {
    return this.#writing.size > 0;
  }

  /** Subscribes a host to a conversation until the given time. Replaces the record of how much was sent to the host. */
  subscribe(nodeId: string, { conversationId, has }: Subscription, until: number): void {
    const followers = this.#followers.get(conversationId) ?? new Map<string, SubscribedHost>();
    this.#followers.set(conversationId, followers.set(nodeId, { until, sent: has }));
    this.#mark(conversationId);
  }

  unsubscribe(nodeId: string, conversationId: string): void {
    const followers = this.#followers.get(conversationId);
    followers?.delete(nodeId);
    if (followers?.size === 0) this.#followers.delete(conversationId);
  }

  /** Removes the subscriptions that have expired. */
  sweep(now: number): void {
    for (const [conversationId, followers] of this.#followers)
      for (const [nodeId, { until }] of followers) if (until <= now) this.unsubscribe(nodeId, conversationId);
  }

  get isDue(): boolean {
    return this.#due.size > 0;
  }

  /**
   * Returns frames of at most `maxBytes` with the parts that each host lacks, by the id of the host. The frames have about `maxSentBytes` in
   * all; the next call returns further parts.
   */
  frames(maxBytes: number, now: number): Map<string, string[]> {
    const frames = new Map<string, string[]>();
    let left = maxSentBytes;
    for (const conversationId of [...this.#due]) {
      const open = this.#writing.get(conversationId);
      for (const [nodeId, follower] of (open && this.#followers.get(conversationId)) ?? []) {
        while (follower.until > now) {
          if (left <= 0) return frames;
          const next = open && nextFrame(conversationId, open, sentOf(follower, open), maxBytes);
          if (!next) break;
          follower.sent = { position: open.position, known: next.known };
          addTo(frames, nodeId, next.json);
          left -= next.json.length;
        }
      }
      this.#due.delete(conversationId);
      if (this.#ended.delete(conversationId)) this.#writing.delete(conversationId);
    }
    return frames;
  }

  #mark(conversationId: string): void {
    if (this.#writing.has(conversationId) && this.#followers.has(conversationId)) this.#due.add(conversationId);
  }
}

/** Returns how much of this message was sent to the host. Undefined if nothing of this message was sent to it. */
function sentOf({ sent }: SubscribedHost, open: OpenMessage): Known | undefined {
  return sent && isSamePosition(sent.position, open.position) ? sent.known : undefined;
}

import type { TurnEvent } from "../../core/events.js";
import { addTo } from "../../core/lists/long-lists.js";
import { Audience, knowsAll, toldOf } from "./audience.js";
import { nextFrame } from "./frames.js";
import { type MessagePosition, OpenMessage } from "./open-message.js";
import type { Watch } from "./subscriptions.js";

interface Telling {
  /** Maximum size of a frame, in bytes. */
  maxBytes: number;
  room: number;
  isFor: (nodeId: string) => boolean;
}

/**
 * The open messages of the turns that run here, and the hosts that follow these messages. Parts are not queued: whenever there is room to
 * send, this class determines which parts each host lacks. So a slow bus gets fewer and longer frames.
 */
export class DeltaSender {
  readonly #writing = new Map<string, OpenMessage>();
  readonly #audience = new Audience();
  /** Ids of the conversations of which some parts have not been sent yet. */
  readonly #due = new Set<string>();
  /** Ids of the conversations whose turn has ended. They are dropped once their last delta has been sent. */
  readonly #ended = new Set<string>();

  /**
   * Opens the message that a turn begins to write. Does nothing while another turn is writing in the conversation: the given turn was then
   * cancelled while it waited for the other turn, and only ends.
   */
  begin(conversationId: string, place: MessagePosition): void {
    const other = this.#writing.get(conversationId);
    if (other && other.place.turnId !== place.turnId && !this.#ended.has(conversationId)) return;
    this.#writing.set(conversationId, new OpenMessage(place));
    this.#ended.delete(conversationId);
    this.#mark(conversationId);
  }

  /** Records an event of a turn. Without `turnId`, the event belongs to the turn that is writing. Ignores events of other turns. */
  note(conversationId: string, event: TurnEvent, turnId?: string): void {
    const open = this.#writing.get(conversationId);
    if (!open || open.place.turnId !== (turnId ?? open.place.turnId)) return;
    this.#writing.set(conversationId, open.after(event));
    this.#mark(conversationId);
  }

  end(conversationId: string, turnId: string): void {
    if (this.#writing.get(conversationId)?.place.turnId !== turnId) return;
    if (this.#due.has(conversationId)) this.#ended.add(conversationId);
    else this.#writing.delete(conversationId);
  }

  writing(conversationId: string): OpenMessage | undefined {
    return this.#writing.get(conversationId);
  }

  watched(nodeId: string, watch: Watch, until: number): void {
    this.#audience.add(nodeId, watch, until);
    this.#mark(watch.conversationId);
  }

  left(nodeId: string, conversationId: string): void {
    this.#audience.remove(nodeId, conversationId);
  }

  sweep(now: number): void {
    this.#audience.sweep(now);
  }

  get isDue(): boolean {
    return this.#due.size > 0;
  }

  /**
   * Returns frames with the parts that each host lacks, keyed by host id, for the hosts that `isFor` accepts. The frames have about `room`
   * bytes in all; the next call returns further parts.
   */
  frames(now: number, { maxBytes, room, isFor }: Telling): Map<string, string[]> {
    const frames = new Map<string, string[]>();
    let left = room;
    for (const conversationId of [...this.#due]) {
      const open = this.#writing.get(conversationId);
      let isLeft = false;
      for (const watcher of open ? this.#audience.of(conversationId, now) : []) {
        if (open && !isFor(watcher.nodeId)) {
          isLeft ||= !knowsAll(watcher, open);
          continue;
        }
        for (;;) {
          if (left <= 0) return frames;
          const next = open && nextFrame(conversationId, open, toldOf(watcher, open), maxBytes);
          if (!next) break;
          watcher.told = { place: open.place, known: next.known };
          addTo(frames, watcher.nodeId, next.json);
          left -= next.json.length;
        }
      }
      if (isLeft) continue;
      this.#due.delete(conversationId);
      if (this.#ended.delete(conversationId)) this.#writing.delete(conversationId);
    }
    return frames;
  }

  #mark(conversationId: string): void {
    if (this.#writing.has(conversationId) && this.#audience.has(conversationId)) this.#due.add(conversationId);
  }
}

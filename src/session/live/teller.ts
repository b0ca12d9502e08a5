import type { TurnEvent } from "../../core/chat.js";
import { Audience, knowsAll, toldOf } from "./audience.js";
import { nextFrame } from "./frames.js";
import { OpenMessage, type Place } from "./open-message.js";
import type { Watch } from "./words.js";

interface Telling {
  /** Limit of a frame. */
  maxBytes: number;
  room: number;
  isFor: (nodeId: string) => boolean;
}

/**
 * Open messages of the turns that run here, for the hosts that follow them. Nothing is queued: what a host lacks is looked up when there is
 * room, so a slow bus gets fewer, longer frames.
 */
export class Teller {
  readonly #writing = new Map<string, OpenMessage>();
  readonly #audience = new Audience();
  /** Conversations with something left to send. */
  readonly #due = new Set<string>();
  /** Conversations whose turn has ended: once their last delta is sent, they are dropped. */
  readonly #ended = new Set<string>();

  /** Does nothing while another turn is being written there: a turn that ends while waiting writes no message. */
  begin(conversationId: string, place: Place): void {
    const other = this.#writing.get(conversationId);
    if (other && other.place.turnId !== place.turnId && !this.#ended.has(conversationId)) return;
    this.#writing.set(conversationId, new OpenMessage(place));
    this.#ended.delete(conversationId);
    this.#mark(conversationId);
  }

  /** Records an event. `turnId`: its turn; by default the one being written. */
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

  /** Returns frames with what each of these hosts lacks, about `room` bytes in all. The rest stays due. */
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
          frames.set(watcher.nodeId, [...(frames.get(watcher.nodeId) ?? []), next.json]);
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

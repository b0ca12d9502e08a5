import { type Known, type OpenMessage, type Place, samePlace } from "./open-message.js";
import type { Watch } from "./words.js";

export interface Watcher {
  nodeId: string;
  until: number;
  /** How much it has been sent, of the message at `place`. */
  told?: { place: Place; known: Known };
}

/** Hosts that follow a conversation, by their latest subscription. */
export class Audience {
  readonly #watchers = new Map<string, Map<string, Watcher>>();

  /** Subscribes the host until the given time; `has` replaces what it was known to have. */
  add(nodeId: string, { conversationId, has }: Watch, until: number): void {
    const watchers = this.#watchers.get(conversationId) ?? new Map<string, Watcher>();
    this.#watchers.set(conversationId, watchers.set(nodeId, { nodeId, until, told: has }));
  }

  remove(nodeId: string, conversationId: string): void {
    const watchers = this.#watchers.get(conversationId);
    watchers?.delete(nodeId);
    if (watchers?.size === 0) this.#watchers.delete(conversationId);
  }

  has(conversationId: string): boolean {
    return this.#watchers.has(conversationId);
  }

  /** Returns the watchers whose subscription has not expired. */
  of(conversationId: string, now: number): Watcher[] {
    const all = [...(this.#watchers.get(conversationId)?.values() ?? [])];
    for (const { nodeId, until } of all) if (until <= now) this.remove(nodeId, conversationId);
    return all.filter(({ until }) => until > now);
  }

  sweep(now: number): void {
    for (const conversationId of [...this.#watchers.keys()]) this.of(conversationId, now);
  }
}

export function knowsAll(watcher: Watcher, open: OpenMessage): boolean {
  const { text, reasoning, notice } = toldOf(watcher, open) ?? unknown;
  const { known } = open;
  return text === known.text && reasoning === known.reasoning && notice === known.notice;
}

const unknown: Known = { text: -1, reasoning: -1, notice: -1 };

/** Returns what the watcher has been sent of this message; undefined if it does not know that the message is open. */
export function toldOf({ told }: Watcher, open: OpenMessage): Known | undefined {
  return told && samePlace(told.place, open.place) ? told.known : undefined;
}

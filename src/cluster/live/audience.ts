import { type Known, type MessagePosition, type OpenMessage, samePlace } from "./open-message.js";
import type { Watch } from "./subscriptions.js";

export interface Watcher {
  nodeId: string;
  until: number;
  /** The message whose parts were last sent to this host, and how much of that message was sent. Undefined if nothing was sent yet. */
  told?: { place: MessagePosition; known: Known };
}

/** The hosts that follow each conversation, with their latest subscriptions. */
export class Audience {
  readonly #watchers = new Map<string, Map<string, Watcher>>();

  /**
   * Subscribes a host to a conversation until the given time, by the clock of `performance`. `has` replaces the earlier record of how much
   * the host has received of the message that is being written.
   */
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

  /** Returns the hosts whose subscription to the conversation has not expired. Removes expired subscriptions. */
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

/** Returns how much of this message has been sent to the host. Undefined if nothing of this message has been sent to the host. */
export function toldOf({ told }: Watcher, open: OpenMessage): Known | undefined {
  return told && samePlace(told.place, open.place) ? told.known : undefined;
}

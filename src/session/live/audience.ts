import { type Known, type OpenMessage, type Place, samePlace } from "./open-message.js";
import type { Watch } from "./words.js";

export interface Watcher {
  nodeId: string;
  until: number;
  /** What it has been told, of `place`. */
  told?: { place: Place; known: Known };
}

/** Which processes follow which conversations, as they last said. */
export class Audience {
  readonly #watchers = new Map<string, Map<string, Watcher>>();

  /** It follows the conversation until then, and has no more of it than it says. */
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

  /** Those that have not fallen silent. */
  of(conversationId: string, now: number): Watcher[] {
    const all = [...(this.#watchers.get(conversationId)?.values() ?? [])];
    for (const { nodeId, until } of all) if (until <= now) this.remove(nodeId, conversationId);
    return all.filter(({ until }) => until > now);
  }

  /** Forgets those that have fallen silent. */
  sweep(now: number): void {
    for (const conversationId of [...this.#watchers.keys()]) this.of(conversationId, now);
  }
}

/** Whether it has been told all. */
export function knowsAll(watcher: Watcher, open: OpenMessage): boolean {
  const { text, reasoning, notice } = toldOf(watcher, open) ?? unknown;
  const { known } = open;
  return text === known.text && reasoning === known.reasoning && notice === known.notice;
}

const unknown: Known = { text: -1, reasoning: -1, notice: -1 };

/** What the watcher has been told of this message; undefined: not even that it is open. */
export function toldOf({ told }: Watcher, open: OpenMessage): Known | undefined {
  return told && samePlace(told.place, open.place) ? told.known : undefined;
}

import { longestTimerMs } from "./timers.js";

/** Watches a conversation from its creation on. The caller must dispose of it. */
export interface ChangeWatch extends Disposable {
  /** Resolves at the first change. Until then, the watch keeps the process alive. */
  happened: Promise<void>;
}

/**
 * Lets callers wait until something changes in a conversation: one of its turns has ended on this host, or another host has written to it.
 */
export class Changes {
  readonly #watches = new Map<string, Set<() => void>>();
  /** Keeps the process alive while there are watches. */
  #alive: NodeJS.Timeout | undefined;

  watch(conversationId: string): ChangeWatch {
    const { promise, resolve } = withResolver();
    const watches = this.#watches.get(conversationId) ?? new Set();
    this.#watches.set(conversationId, watches.add(resolve));
    this.#alive ??= setInterval(() => {}, longestTimerMs);
    const end = () => {
      if (watches.delete(resolve) && watches.size === 0) this.#remove(conversationId, watches);
    };
    return { happened: promise, [Symbol.dispose]: end };
  }

  /** Ends the watches of this conversation. Without an id, ends all watches. */
  happened(conversationId?: string): void {
    for (const id of conversationId === undefined ? [...this.#watches.keys()] : [conversationId]) {
      const watches = this.#watches.get(id);
      if (!watches) continue;
      this.#remove(id, watches);
      for (const resolve of watches) resolve();
    }
  }

  #remove(conversationId: string, watches: ReadonlySet<() => void>): void {
    if (this.#watches.get(conversationId) !== watches) return; // a change has already ended these watches
    this.#watches.delete(conversationId);
    if (this.#watches.size > 0) return;
    clearInterval(this.#alive);
    this.#alive = undefined;
  }
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

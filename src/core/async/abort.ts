/** Abort reason of a time limit that was reached. */
export class TotalTimeout extends Error {}

/** Aborts with the signal that it follows, or at its time limit, until it is disposed of. */
export class LinkedAbort extends AbortController implements Disposable {
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #unfollow: (() => void) | undefined;

  constructor(followed?: AbortSignal, limitMs?: number) {
    super();
    if (followed?.aborted) {
      this.abort(followed.reason);
      return;
    }
    this.#unfollow = followed && onAbort(followed, () => this.abort(followed.reason));
    if (limitMs !== undefined) this.#timer = setTimeout(() => this.abort(new TotalTimeout()), limitMs);
  }

  override abort(reason?: unknown): void {
    this[Symbol.dispose]();
    super.abort(reason);
  }

  /** Stops following the other signal, and clears the timer. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#unfollow?.();
  }
}

/** Calls the action when the signal aborts. Each call adds a listener of its own, and returns a function that removes this listener. */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  const listener = () => action();
  signal.addEventListener("abort", listener);
  // A signal made from other signals stays in memory as long as those signals exist and it has a listener.
  return () => signal.removeEventListener("abort", listener);
}

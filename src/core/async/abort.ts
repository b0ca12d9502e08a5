/** Reason with which a signal aborts when a time limit was reached. */
export class TotalTimeout extends Error {}

/**
 * An AbortController that aborts when another signal aborts or when its time limit is reached. After it has been disposed of, it no longer
 * aborts for either reason.
 */
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

/**
 * Calls the action when the signal aborts. Returns a function that removes the action again. Several calls with the same action are
 * independent of each other.
 */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  const listener = () => action();
  signal.addEventListener("abort", listener);
  // The listener must be removed: a signal that was combined from other signals stays in memory as long as it has a listener and the other
  // signals exist.
  return () => signal.removeEventListener("abort", listener);
}

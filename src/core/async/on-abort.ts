/** Calls the action when the signal aborts. Each call adds a listener of its own, and returns a function that removes this listener. */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  const listener = () => action();
  signal.addEventListener("abort", listener);
  // A signal made from other signals stays in memory as long as those signals exist and it has a listener.
  return () => signal.removeEventListener("abort", listener);
}

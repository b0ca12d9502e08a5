/** Adds a listener to `abort`, a separate function per action. Returns a function that removes it. */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  const listener = () => action();
  signal.addEventListener("abort", listener);
  // A signal that depends on others is kept in memory as long as it has a listener and they exist.
  return () => signal.removeEventListener("abort", listener);
}

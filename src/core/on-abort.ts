/** As a listener to `abort`, each action a function of its own. What is returned takes it back. */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  const listener = () => action();
  signal.addEventListener("abort", listener);
  // With a listener, a signal that depends on others is kept in memory for as long as they are there.
  return () => signal.removeEventListener("abort", listener);
}

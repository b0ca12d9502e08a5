/** Loads modules that are slow to load and not always needed. Each module is loaded only once, even if several servers start. */

export const loadLegacy = once(() => import("./legacy-peer.js"));

export const loadModern = once(() => import("./modern-peer.js"));

/** Returns a function that calls `load` only the first time it is called, and always returns the promise of that call. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}

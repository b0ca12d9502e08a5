/** Modules that are slow to load and not always needed. A module is loaded only once, even if several servers start. */

export const loadLegacy = once(() => import("./legacy-peer.js"));

export const loadModern = once(() => import("./modern-peer.js"));

/** Returns a function that calls `load` the first time, and returns the same promise every time. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}

/** What costs time to load and is not always needed. Each is loaded once and one after the other, however many servers start. */

export const loadSdk = once(() => import("./sdk.js"));

export const loadRemote = once(async () => {
  await loadSdk();
  return import("./transports/remote.js");
});

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}

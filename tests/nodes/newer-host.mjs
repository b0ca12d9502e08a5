// Preloaded into a host: it writes conversations in a way that this version's hosts could not go on with.
import { register } from "node:module";

const hook = `
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.endsWith("/history/schema-version.js")) return loaded;
  return { ...loaded, source: String(loaded.source).replace("foldVersion = 1", "foldVersion = 2") };
}
`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

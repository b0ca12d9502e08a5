// Preloaded into a host: makes it write conversations in a format that hosts of this version cannot continue.
import { register } from "node:module";

const hook = `
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.includes("/dist/bundle/")) return loaded;
  const source = String(loaded.source);
  return { ...loaded, source: source.replace(/foldVersion = (\\d+);/, (_, version) => "foldVersion = " + (Number(version) + 1) + ";") };
}
`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

/** Preloaded by `--import`: prints the name of every imported package, one a line, on stderr. */
import { register } from "node:module";

const hook = `
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context);
  const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(resolved.url)?.[1];
  if (name) (await import("node:fs")).writeSync(2, name + "\\n");
  return resolved;
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

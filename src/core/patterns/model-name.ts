import { createHash } from "node:crypto";

const maxLength = 64;
const hashLength = 10;
export const endsWithHash = new RegExp(`_[0-9a-f]{${hashLength}}$`);

/** Returns true if models can call a tool by this name. */
export function isModelName(name: string): boolean {
  return /^[a-zA-Z0-9_-]{1,64}$/.test(name);
}

/**
 * Returns the name under which the model sees an item: `server__item`, within `^[a-zA-Z0-9_-]{1,64}$`. The name depends only on the server
 * and the item, so other servers never change it. Two different pairs of server and item never share a name: an ambiguous or unusual name
 * ends with a hash of the pair. A plain name that looks as if it ended with such a hash also gets a hash.
 */
export function modelName(server: string, item: string): string {
  const name = `${server}__${item}`;
  if (splitsBack(server) && isModelName(name) && item !== "" && !endsWithHash.test(name)) return name;
  const hash = createHash("sha256")
    .update(JSON.stringify([server, item]))
    .digest("hex")
    .slice(0, hashLength);
  const clean = name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, maxLength - hashLength - 1);
  return `${clean}_${hash}`;
}

/** Returns true if, for every item, the first `__` of `server__item` is the separator. */
function splitsBack(server: string): boolean {
  return server !== "" && !server.includes("__") && !server.endsWith("_");
}

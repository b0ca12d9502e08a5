import { createHash } from "node:crypto";
import type { ServerConfig } from "../core/config.js";

/** Of servers as they are, for every call asks. */
const places = new WeakMap<ServerConfig, string>();

/** The server with the place it runs at: the same for a new key, another one for another command or address. A hash: it may hold secrets. */
export function placeOf(config: ServerConfig): string {
  const known = places.get(config) ?? hashOf(config, []);
  places.set(config, known);
  return known;
}

/** Name of a file about this server. */
export function fileNameOf(config: ServerConfig, more: readonly unknown[] = []): string {
  return `${hashOf(config, more)}.json`;
}

function hashOf(config: ServerConfig, more: readonly unknown[]): string {
  const place = config.transport === "stdio" ? [config.command, config.args, config.cwd] : [config.url];
  const hash = createHash("sha256")
    .update(JSON.stringify([config.name, ...place, ...more]))
    .digest("hex");
  return hash.slice(0, 32);
}

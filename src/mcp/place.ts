import { createHash } from "node:crypto";
import type { ServerConfig } from "../core/config.js";

/** The server with the place it runs at: the same for a new key, another one for another command or address. A hash: it may hold secrets. */
export function placeOf(config: ServerConfig, more: readonly unknown[] = []): string {
  const place = config.transport === "stdio" ? [config.command, config.args, config.cwd] : [config.url];
  const hash = createHash("sha256")
    .update(JSON.stringify([config.name, ...place, ...more]))
    .digest("hex");
  return hash.slice(0, 32);
}

/** Name of a file about this server. */
export function fileNameOf(config: ServerConfig, more: readonly unknown[] = []): string {
  return `${placeOf(config, more)}.json`;
}

import { createHash } from "node:crypto";
import type { ServerConfig } from "../core/config.js";

/** Name of a file about this server. A hash: the configuration may hold secrets. */
export function fileNameOf(config: ServerConfig, more: readonly unknown[] = []): string {
  const place = config.transport === "stdio" ? [config.command, config.args, config.cwd] : [config.url];
  const hash = createHash("sha256")
    .update(JSON.stringify([config.name, ...place, ...more]))
    .digest("hex");
  return `${hash.slice(0, 32)}.json`;
}

import { hash } from "node:crypto";
import type { ServerConfig } from "../core/config.js";

/** Of servers as they are, for every call asks. */
const places = new WeakMap<ServerConfig, string>();

/** The server with the place it runs at: the same for a new key, another one for another command or address. A hash: it may hold secrets. */
export function placeOf(config: ServerConfig): string {
  const known = places.get(config) ?? hashOf(config);
  places.set(config, known);
  return known;
}

/** Name of a file about this server. */
export function fileNameOf(config: ServerConfig): string {
  return `${placeOf(config)}.json`;
}

function hashOf(config: ServerConfig): string {
  const place = config.transport === "stdio" ? [config.command, config.args, config.cwd] : [config.url];
  return hash("sha256", JSON.stringify([config.name, ...place]), "hex").slice(0, 32);
}

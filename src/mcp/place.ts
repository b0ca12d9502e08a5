import { hash } from "node:crypto";
import type { ServerConfig } from "../core/config.js";

/** Of servers as they are, for every call asks. */
const places = new WeakMap<ServerConfig, string>();
const programs = new WeakMap<ServerConfig, string>();

/** The server with the place it runs at: the same for a new key, another one for another command or address. A hash: it may hold secrets. */
function placeOf(config: ServerConfig): string {
  const known = places.get(config) ?? hashOf(config);
  places.set(config, known);
  return known;
}

/**
 * The server with all that it runs as: what an answer about its tools is remembered for. Unlike `placeOf`, it is another one with
 * another environment, which can make another program of the same command (NODE_OPTIONS).
 */
export function programOf(config: ServerConfig): string {
  const known = programs.get(config) ?? hashOf(config, environmentOf(config));
  programs.set(config, known);
  return known;
}

/** Name of a file about this server. */
export function fileNameOf(config: ServerConfig): string {
  return `${placeOf(config)}.json`;
}

function hashOf(config: ServerConfig, environment: readonly unknown[] = []): string {
  const place = config.transport === "stdio" ? [config.command, config.args, config.cwd] : [config.url];
  return hash("sha256", JSON.stringify([config.name, ...place, ...environment]), "hex").slice(0, 32);
}

function environmentOf(config: ServerConfig): readonly unknown[] {
  const variables = config.transport === "stdio" ? Object.entries(config.env ?? {}) : [];
  return variables.length > 0 ? [variables.toSorted(([one], [other]) => (one < other ? -1 : 1))] : [];
}

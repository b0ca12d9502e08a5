import { hash } from "node:crypto";
import type { ServerConfig } from "../core/config.js";

/** Hashes by configuration, cached because every call needs one. */
const places = new WeakMap<ServerConfig, string>();
const programs = new WeakMap<ServerConfig, string>();

/**
 * Identifies the server by name and by the command or address where it runs; a new key does not matter. A hash, since these may hold
 * secrets.
 */
function placeOf(config: ServerConfig): string {
  const known = places.get(config) ?? hashOf(config);
  places.set(config, known);
  return known;
}

/**
 * Identifies the server with its environment too: remembered approvals apply to it. Another environment can make another program of the
 * same command (NODE_OPTIONS).
 */
export function programOf(config: ServerConfig): string {
  const known = programs.get(config) ?? hashOf(config, environmentOf(config));
  programs.set(config, known);
  return known;
}

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

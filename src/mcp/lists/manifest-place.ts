import { hash } from "node:crypto";
import type { ServerConfig } from "../../core/config.js";

/** Caches for the results of `placeOf` and `programOf`, because every call needs these results. */
const places = new WeakMap<ServerConfig, string>();
const programs = new WeakMap<ServerConfig, string>();

/**
 * Returns a hash of the server's name and its command or address. Environment variables and headers are not part of the hash, so the hash
 * stays the same if only an API key changes. The result is a hash and not the plain text, because the command or address may contain
 * secrets.
 */
function placeOf(config: ServerConfig): string {
  const known = places.get(config) ?? hashOf(config);
  places.set(config, known);
  return known;
}

/**
 * Returns a hash of the server's name, its command or address, and its environment. Stored approvals are kept under this hash, because
 * another variable (NODE_OPTIONS) can make the same command run another program.
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

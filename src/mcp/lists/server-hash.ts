import { hash } from "node:crypto";
import { isAbsolute } from "node:path";
import type { ServerConfig, StdioServerConfig } from "../../core/config.js";
import { commandLineOf } from "../shared/command-line.js";

/** Caches for the results of `serverHashOf` and `programOf`, because every call needs these results. */
const serverHashes = new WeakMap<ServerConfig, string>();
const programs = new WeakMap<ServerConfig, string>();

/**
 * Returns a hash of the server's name and its command or address. Environment variables and headers are not part of the hash, so the hash
 * stays the same if only an API key changes. The result is a hash and not the plain text, because the command or address may contain
 * secrets.
 */
function serverHashOf(config: ServerConfig): string {
  const known = serverHashes.get(config) ?? hashOf(config);
  serverHashes.set(config, known);
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
  return `${serverHashOf(config)}.json`;
}

function hashOf(config: ServerConfig, environment: readonly unknown[] = []): string {
  return hash("sha256", JSON.stringify([config.name, ...reachedBy(config), ...environment]), "hex").slice(0, 32);
}

/** Returns the settings that decide which program runs or which address is called. */
export function reachedBy(config: ServerConfig): readonly unknown[] {
  if (config.transport === "program") return [config.program];
  if (config.transport !== "stdio") return [config.url];
  const { command, args } = commandLineOf(config);
  return [command, args, config.cwd ?? decidingFolder(config)];
}

/**
 * Returns the working folder if its files can decide which program runs: `node server.mjs` and `npx tsx` are other programs in another folder.
 * Returns undefined if the server starts elsewhere, or if the program has an absolute path and no argument can be a relative path.
 */
function decidingFolder({ command, args, cwd, folders }: StdioServerConfig): string | undefined {
  if (cwd !== undefined || folders !== undefined) return undefined;
  const isFlag = (word: string) => /^(?:-\w|--[\w-]+)$/.test(word);
  const canBeRelative = (word: string) => !isAbsolute(word) && /[./\\]/.test(word);
  const [script = ""] = args;
  const isFixed = isAbsolute(script)
    ? (isAbsolute(command) || !/[/\\]/.test(command)) && !args.some(canBeRelative)
    : isAbsolute(command) && args.every((word) => isAbsolute(word) || isFlag(word));
  return isFixed ? undefined : process.cwd();
}

function environmentOf(config: ServerConfig): readonly unknown[] {
  const variables = config.transport === "stdio" ? Object.entries(config.env ?? {}) : [];
  return variables.length > 0 ? [variables.toSorted(([one], [other]) => (one < other ? -1 : 1))] : [];
}

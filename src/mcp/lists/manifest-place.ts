import { hash } from "node:crypto";
import { isAbsolute } from "node:path";
import type { ServerConfig, StdioServerConfig } from "../../core/config.js";
import type { ToolFacts } from "../../core/ports.js";
import { commandLineOf } from "../shared/command-line.js";

/** Caches for the results of `placeOf` and `programOf`, because every call needs these results. */
const places = new WeakMap<ServerConfig, string>();
const programs = new WeakMap<ServerConfig, Pick<ToolFacts, "place" | "earlierPlace">>();

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
 * another variable (NODE_OPTIONS) can make the same command run another program. `earlierPlace` is the hash of versions up to 1.0.0, if it
 * differs.
 */
export function programOf(config: ServerConfig): Pick<ToolFacts, "place" | "earlierPlace"> {
  const known = programs.get(config) ?? newProgramOf(config);
  programs.set(config, known);
  return known;
}

function newProgramOf(config: ServerConfig): Pick<ToolFacts, "place" | "earlierPlace"> {
  const environment = environmentOf(config);
  const place = hashOf(config, environment);
  if (config.transport !== "stdio") return { place };
  const earlierPlace = hashOfPlace(config, [config.command, config.args, config.cwd, ...environment]);
  return earlierPlace === place ? { place } : { place, earlierPlace };
}

export function fileNameOf(config: ServerConfig): string {
  return `${placeOf(config)}.json`;
}

function hashOf(config: ServerConfig, environment: readonly unknown[] = []): string {
  return hashOfPlace(config, [...reachedBy(config), ...environment]);
}

function hashOfPlace({ name }: ServerConfig, place: readonly unknown[]): string {
  return hash("sha256", JSON.stringify([name, ...place]), "hex").slice(0, 32);
}

/** Returns the settings that decide which program runs or which address is called. */
export function reachedBy(config: ServerConfig): readonly unknown[] {
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

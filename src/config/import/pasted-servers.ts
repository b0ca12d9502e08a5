/** Reads servers from a text that somebody has copied: a command line, a URL, or a part of a configuration. */
import { join } from "node:path";
import { ConfigError } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { entryProblems } from "../edit/check-entry.js";
import { importFile } from "./import-file.js";
import { entryOfCommand, unread } from "./pasted-command.js";
import type { ImportSurroundings } from "./program-paths.js";
import { foreignProgramOf } from "./programs.js";
import { readForeignText } from "./read-foreign.js";
import { guessedName } from "./server-name.js";

export interface PastedServer {
  name: string;
  entry: JsonObject;
  /** Notes for the user about keys that have no meaning here, or another one. */
  notes: string[];
}

/** Name of the text in messages. */
const pasted = "the pasted text";

/** Returns at least one server. Their entries may still be invalid. Throws RequestError that says what cannot be read. */
export function readPasted(text: string, surroundings: ImportSurroundings): PastedServer[] {
  // A text is often copied with the fence or the prompt around it.
  const plain = text
    .trim()
    .replace(/^```.*\n([\s\S]*?)\n?```$/, "$1")
    .trim()
    .replace(/^[$>] /, "");
  if (plain === "") throw unread("it is empty");
  if (/^https?:\/\/\S+$/i.test(plain)) return [named({ entry: { url: plain } })];
  const tree = treeIn(plain);
  return tree ? serversIn(tree, surroundings) : [named(entryOfCommand(plain))];
}

/** Returns the object that the text holds, or undefined if the text is not written in a language for data. */
function treeIn(text: string): JsonObject | undefined {
  try {
    if (text.startsWith("{")) return readForeignText(text, "json", pasted);
    // A member of an object, without the braces around it.
    if (/^"[^"\n]*"\s*:/.test(text)) return readForeignText(`{${text}}`, "json", pasted);
    if (/^\[/m.test(text) && /^\s*\[[\w."-]+\]\s*(?:#.*)?$/m.test(text)) return readForeignText(text, "toml", pasted);
    if (/^[\w.-]+:[ \t]*(?:#.*)?(?:\n|$)/.test(text)) return readForeignText(text, "yaml", pasted);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) throw unread(error.problems.map(where).join("; "));
    throw error;
  }
}

function where({ line, column, message }: ConfigError["problems"][number]): string {
  return line > 0 ? `line ${line}, column ${column}: ${message}` : message;
}

function serversIn(tree: JsonObject, surroundings: ImportSurroundings): PastedServer[] {
  const wrapped = inKnownShape(tree);
  const program = foreignProgramOf(wrapped);
  if (!program) throw unread("it has no MCP servers in a shape that is known here");
  // Rules in the program's files on this machine do not concern a text that was copied from elsewhere.
  const free = { ...program, ruleFiles: undefined, project: undefined, unread: undefined };
  const foreign = { file: pasted, path: join(surroundings.cwd, "pasted"), tree: wrapped };
  const { servers } = importFile(free, foreign, surroundings);
  const usable = servers.filter(({ skipped }) => skipped === undefined);
  if (usable.length === 0)
    throw unread(servers.map(({ name, skipped }) => `${name}: ${skipped}`).join("; ") || "it has no servers");
  return usable.map(({ name, entry, notes }) => {
    const own = ownEntry(wrapped, name, surroundings);
    if (own) return { name, entry: own, notes: [] };
    return { name, entry, notes: notes.map(({ key, text }) => (key ? `${key}: ${text}` : text)) };
  });
}

/** Returns the object with the servers under `mcpServers`, if it is an entry itself or a mapping of entries. */
function inKnownShape(tree: JsonObject): JsonObject {
  if (foreignProgramOf(tree)) return tree;
  if (isEntry(tree)) {
    const { name, ...entry } = tree;
    return { mcpServers: { [typeof name === "string" && name ? name : guessedName(entry)]: entry } };
  }
  const all = Object.values(tree);
  return all.length > 0 && all.every(isEntry) ? { mcpServers: tree } : tree;
}

function isEntry(value: unknown): value is JsonObject {
  return isPlainObject(value) && ["command", "cmd", "url", "uri", "httpUrl"].some((key) => value[key] !== undefined);
}

/**
 * Returns the entry as it was pasted, if this host understands all of it. An entry that lets tools run unasked under another program's name
 * of the key is not taken as it is: who copies it may not know what the key does.
 */
function ownEntry({ mcpServers }: JsonObject, name: string, { env, cwd }: ImportSurroundings): JsonObject | undefined {
  const entry = isPlainObject(mcpServers) ? mcpServers[name] : undefined;
  if (!isPlainObject(entry) || "autoApprove" in entry || "alwaysAllow" in entry) return undefined;
  return entryProblems(name, { ...entry, enabled: false }, { env, folder: cwd }) ? undefined : entry;
}

function named({ name, entry }: { name?: string; entry: JsonObject }): PastedServer {
  return { name: name ?? guessedName(entry), entry, notes: [] };
}

/** Defines the interface of importers, and imports one file. */

import type { Environment } from "../../../core/environment.js";
import { asObject, isPlainObject, type JsonObject } from "../../../core/json.js";
import { addAll, addTo } from "../../../core/lists/long-lists.js";
import { child } from "../../../core/source/tree.js";
import { switches } from "./entry-fields.js";
import { type ForeignText, folderOf } from "./foreign-text.js";
import type { Convert } from "./placeholders.js";
import { type FieldImports, type Note, ServerDraft } from "./server-draft.js";
import { unreadPaths, unreadRules } from "./unread-rules.js";

type ToolName =
  | "claude-desktop"
  | "claude-code"
  | "cursor"
  | "vscode"
  | "gemini"
  | "codex"
  | "opencode"
  | "goose"
  | "zed"
  | "kit"
  | "original";

/** The machine and the working directory on which an import depends. */
export interface ImportSurroundings {
  platform: NodeJS.Platform;
  env: Environment;
  home: string;
  /** Absolute path of the working directory. */
  cwd: string;
}

/** A mapping in a file. Its values are servers. */
export interface ServersSection {
  /** Position of this mapping in the file, as a JSON pointer. */
  pointer: string;
  servers: unknown;
  /** Folder in which the other program starts these servers. Undefined if the program does not start the servers in a particular folder. */
  project?: string;
  convert: Convert;
  fields: FieldImports;
  /** Returns a reason if this host cannot use the server, otherwise undefined. */
  skip?(raw: JsonObject): string | undefined;
  /** Called after all keys have been translated. Completes the entry, for example where several keys together mean something. */
  finish?(draft: ServerDraft, raw: JsonObject): void;
}

export interface Importer {
  tool: ToolName;
  /** The program's name, as it is displayed. */
  title: string;
  /** Returns all paths at which the program may have a configuration file. Files that the program prefers come first. */
  places(surroundings: ImportSurroundings): string[];
  /** Returns further files and folders in which the program may have rules about tools. They are not read: notes name those that exist. */
  rulePaths?(surroundings: ImportSurroundings): string[];
  /** Returns true if the file, which may have any path, belongs to this program. */
  knows(file: ForeignText): boolean;
  sections(file: ForeignText, surroundings: ImportSurroundings): FileSections;
}

/** The servers of one file, and the settings beside them that an importer knows. */
interface FileSections {
  sections: ServersSection[];
  notes?: Note[];
  /**
   * Pointers of the settings outside the servers that the importer reads or names in notes, and of well-known ones that restrict no tools of
   * MCP servers. Any other setting that may restrict tools gets a note.
   */
  known?: readonly string[];
}

export interface ImportedServer {
  name: string;
  /** Path of the imported file, in the form in which it is displayed. */
  file: string;
  /** The server as an entry of `mcpServers`. */
  entry: JsonObject;
  /** Comments to write: `above` the server, and above each of its `keys`. `keys` maps our name of a key to the lines above it. */
  comments: { above: readonly string[]; keys: ReadonlyMap<string, readonly string[]> };
  notes: Note[];
  /** Reason why the server is not imported. Undefined if the server is imported. */
  skipped?: string;
}

export interface ImportedFile {
  file: string;
  /** True if the file was found through the working directory. Anybody may have written such a file. */
  isOfFolder?: boolean;
  servers: ImportedServer[];
  /** Notes about keys of the file that do not belong to a server. */
  notes: Note[];
}

export function importFile(importer: Importer, text: ForeignText, surroundings: ImportSurroundings): ImportedFile {
  const { sections, notes = [], known = [] } = importer.sections(text, surroundings);
  const servers = new Map<string, ImportedServer>();
  for (const section of sections) {
    for (const [name, raw] of Object.entries(isPlainObject(section.servers) ? section.servers : {})) {
      if (servers.has(name))
        notes.push({ key: name, text: `stands there twice: the one that ${importer.title} uses counts` });
      else servers.set(name, importServer(name, raw, section, text));
    }
  }
  const rules = unreadRules(text.tree, [...sections.map(({ pointer }) => pointer), ...known]);
  // A file whose program is unknown is read as one of Claude Code.
  const paths = servers.size > 0 && importer.knows(text) ? (importer.rulePaths?.(surroundings) ?? []) : [];
  const further = unreadPaths(paths, surroundings.cwd);
  return { file: text.file, servers: [...servers.values()], notes: [...notes, ...rules, ...further] };
}

function importServer(name: string, raw: unknown, section: ServersSection, text: ForeignText): ImportedServer {
  const { convert, fields, project, pointer } = section;
  const draft = new ServerDraft(name, { base: project ?? folderOf(text), convert });
  const at = child(pointer, name);
  const server = { name, file: text.file, entry: draft.entry, notes: draft.notes };
  if (!isPlainObject(raw)) return { ...server, comments: noComments, skipped: "it is not a mapping" };
  const skipped = section.skip?.(raw);
  if (skipped !== undefined) return { ...server, comments: noComments, skipped };
  draft.take(raw, { ...switches, ...fields });
  section.finish?.(draft, raw);
  if (isThisProgram(draft.entry)) {
    return { ...server, comments: noComments, skipped: "it is this program itself, which has these servers" };
  }
  if (project !== undefined && draft.entry.command !== undefined && draft.entry.cwd === undefined) {
    draft.entry.cwd = project;
  }
  return { ...server, entry: inOrder(draft.entry), comments: commentsOf(text, at, draft) };
}

const runner = /(?:^|[/\\])(?:bunx|node|npx|pnpm|yarn)(?:\.cmd|\.exe)?$/;
const thisProgram = /(?:^|[/\\])mcp-platform(?:@[^/\\]*|\.cmd|\.exe|[/\\]dist[/\\]main\.js)?$/;

/** Returns true if the server is a host on this machine with the configuration of this one. Hosts would start each other without end. */
function isThisProgram({ command, args, env }: JsonObject): boolean {
  const given = Array.isArray(args) ? args.map(String) : [];
  const words = runner.test(String(command)) ? given.filter((word) => word !== "-y") : [String(command), ...given];
  const [program = "", ...rest] = words;
  const isConfigured =
    rest.some((word) => /^--config(?:=.*)?$/.test(word)) || asObject(env)?.MCP_PLATFORM_CONFIG !== undefined;
  return thisProgram.test(program) && rest.find((word) => !word.startsWith("-")) === "mcp" && !isConfigured;
}

const noComments = { above: [], keys: new Map() };

const order = ["type", "command", "args", "env", "env_file", "cwd", "url", "headers", "oauth"];

/** Sorts the keys of an entry. The keys that say how the server is started or reached come first. */
function inOrder(entry: JsonObject): JsonObject {
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.fromEntries(Object.entries(entry).sort(([one], [other]) => rank(one) - rank(other)));
}

/**
 * Returns the comments for the new entry. The comment of a nested key is written above its top-level key. The comment of a key that has no
 * counterpart here is written above the server.
 */
function commentsOf(
  { comments }: ForeignText,
  at: string,
  { targets, remarks }: ServerDraft,
): ImportedServer["comments"] {
  const above = [...remarks, ...(comments.get(at) ?? [])];
  const keys = new Map<string, string[]>();
  for (const [pointer, lines] of comments) {
    if (!pointer.startsWith(`${at}/`)) continue;
    const [key = ""] = pointer.slice(at.length + 1).split("/");
    const target = targets.get(key);
    if (target === undefined) addAll(above, lines);
    else for (const line of lines) addTo(keys, target, line);
  }
  return { above, keys };
}

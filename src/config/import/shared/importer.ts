/** The interface of importers, and the import of one file. */

import type { Environment } from "../../../core/environment.js";
import { isPlainObject, type JsonObject } from "../../../core/json.js";
import { child } from "../../../core/source/tree.js";
import { type ForeignText, folderOf } from "./foreign-text.js";
import type { Convert } from "./placeholders.js";
import { type FieldImports, type Note, ServerDraft } from "./server-draft.js";

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

/** The machine and the working directory of an import. */
export interface ImportSurroundings {
  platform: NodeJS.Platform;
  env: Environment;
  home: string;
  /** Absolute path of the working directory. */
  cwd: string;
}

/** A mapping in a file whose values are servers. */
export interface ServersSection {
  /** Pointer of this mapping in the file. */
  pointer: string;
  servers: unknown;
  /** Folder in which the other program starts these servers. Undefined if it uses no particular folder. */
  project?: string;
  convert: Convert;
  fields: FieldImports;
  /** Returns why this server cannot be used here, or undefined if it can. */
  skip?(raw: JsonObject): string | undefined;
  /** Completes the entry after its keys have been translated, for rules that involve several keys. */
  finish?(draft: ServerDraft, raw: JsonObject): void;
}

export interface Importer {
  tool: ToolName;
  /** The program's name for display. */
  title: string;
  /** Returns the paths at which the program has its configuration files. If several exist, the program prefers the earlier ones. */
  places(surroundings: ImportSurroundings): string[];
  /** Returns true if the file belongs to this program. The file may come from any path. */
  knows(file: ForeignText): boolean;
  sections(file: ForeignText, surroundings: ImportSurroundings): { sections: ServersSection[]; notes?: Note[] };
}

export interface ImportedServer {
  name: string;
  /** Path of the imported file for display. */
  file: string;
  /** The server as an entry of `mcpServers`. */
  entry: JsonObject;
  /** Comments to write: those above the server, and those of each key, under our name of the key. */
  comments: { above: readonly string[]; keys: ReadonlyMap<string, readonly string[]> };
  notes: Note[];
  /** Reason why the server is not imported. Undefined if it is. */
  skipped?: string;
}

export interface ImportedFile {
  file: string;
  /** True if the file was found in the working directory. Anybody may have written such a file. */
  isOfFolder?: boolean;
  servers: ImportedServer[];
  /** Notes on keys outside of the servers. */
  notes: Note[];
}

export function importFile(importer: Importer, text: ForeignText, surroundings: ImportSurroundings): ImportedFile {
  const { sections, notes = [] } = importer.sections(text, surroundings);
  const servers = new Map<string, ImportedServer>();
  for (const section of sections) {
    for (const [name, raw] of Object.entries(isPlainObject(section.servers) ? section.servers : {})) {
      if (servers.has(name))
        notes.push({ key: name, text: `stands there twice: the one that ${importer.title} uses counts` });
      else servers.set(name, importServer(name, raw, section, text));
    }
  }
  return { file: text.file, servers: [...servers.values()], notes };
}

function importServer(name: string, raw: unknown, section: ServersSection, text: ForeignText): ImportedServer {
  const { convert, fields, project, pointer } = section;
  const draft = new ServerDraft(name, { base: project ?? folderOf(text), convert });
  const at = child(pointer, name);
  const server = { name, file: text.file, entry: draft.entry, notes: draft.notes };
  if (!isPlainObject(raw)) return { ...server, comments: noComments, skipped: "it is not a mapping" };
  const skipped = section.skip?.(raw);
  if (skipped !== undefined) return { ...server, comments: noComments, skipped };
  draft.take(raw, fields);
  section.finish?.(draft, raw);
  if (project !== undefined && draft.entry.command !== undefined && draft.entry.cwd === undefined) {
    draft.entry.cwd = project;
  }
  return { ...server, entry: inOrder(draft.entry), comments: commentsOf(text, at, draft) };
}

const noComments = { above: [], keys: new Map() };

const order = ["type", "command", "args", "env", "env_file", "cwd", "url", "headers", "oauth"];

/** Sorts the keys of an entry: first those that say how the server is reached. */
function inOrder(entry: JsonObject): JsonObject {
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.fromEntries(Object.entries(entry).sort(([one], [other]) => rank(one) - rank(other)));
}

/**
 * Returns the comments for the new entry. A comment on a nested key is written at the top-level key above it. A comment on a key that has
 * no counterpart here is written above the server.
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
    if (target === undefined) above.push(...lines);
    else keys.set(target, [...(keys.get(target) ?? []), ...lines]);
  }
  return { above, keys };
}

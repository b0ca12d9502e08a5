/** The interface of importers, and the reading of a tool's file with one. */
import type { Environment } from "../../core/environment.js";
import { child, isMapping, type Mapping } from "../../core/tree.js";
import { Draft, type Fields, type Note } from "./draft.js";
import { type ForeignText, folderOf } from "./foreign-text.js";
import type { Convert } from "./variables.js";

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

/** Machine and folder that an import runs in. */
export interface Surroundings {
  platform: NodeJS.Platform;
  env: Environment;
  home: string;
  /** Absolute. */
  cwd: string;
}

/** A mapping of servers in a file. */
export interface Section {
  /** Pointer of the mapping in the file. */
  pointer: string;
  servers: unknown;
  /** Folder in which the tool starts these servers; undefined if there is no particular one. */
  project?: string;
  convert: Convert;
  fields: Fields;
  /** Returns why this server cannot be used here. */
  skip?(raw: Mapping): string | undefined;
  /** Translates what no single key says. */
  finish?(draft: Draft, raw: Mapping): void;
}

export interface Importer {
  tool: ToolName;
  /** Name that people know the tool by. */
  title: string;
  /** Returns the paths of its files; earlier ones win in the tool. */
  places(surroundings: Surroundings): string[];
  /** Returns true if a file of unknown origin belongs to this tool. */
  knows(file: ForeignText): boolean;
  sections(file: ForeignText, surroundings: Surroundings): { sections: Section[]; notes?: Note[] };
}

export interface ImportedServer {
  name: string;
  /** Name for display. */
  file: string;
  /** Entry in the shape of `mcpServers`. */
  entry: Mapping;
  /** Comments on the server, and on its keys under our names. */
  comments: { above: readonly string[]; keys: ReadonlyMap<string, readonly string[]> };
  notes: Note[];
  /** Reason why the server is not imported. */
  skipped?: string;
}

export interface ImportedFile {
  file: string;
  /** True if it was found in the working directory, which may be anybody's. */
  isOfFolder?: boolean;
  servers: ImportedServer[];
  /** Notes on keys that belong to no server. */
  notes: Note[];
}

export function importFile(importer: Importer, text: ForeignText, surroundings: Surroundings): ImportedFile {
  const { sections, notes = [] } = importer.sections(text, surroundings);
  const servers = new Map<string, ImportedServer>();
  for (const section of sections) {
    for (const [name, raw] of Object.entries(isMapping(section.servers) ? section.servers : {})) {
      if (servers.has(name))
        notes.push({ key: name, text: `stands there twice: the one that ${importer.title} uses counts` });
      else servers.set(name, importServer(name, raw, section, text));
    }
  }
  return { file: text.file, servers: [...servers.values()], notes };
}

function importServer(name: string, raw: unknown, section: Section, text: ForeignText): ImportedServer {
  const { convert, fields, project, pointer } = section;
  const draft = new Draft(name, { base: project ?? folderOf(text), convert });
  const at = child(pointer, name);
  const server = { name, file: text.file, entry: draft.entry, notes: draft.notes };
  if (!isMapping(raw)) return { ...server, comments: noComments, skipped: "it is not a mapping" };
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

/** Sorts the keys so that those for reaching the server come first. */
function inOrder(entry: Mapping): Mapping {
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.fromEntries(Object.entries(entry).sort(([one], [other]) => rank(one) - rank(other)));
}

/** Assigns comments. A deeper comment belongs to its top-level key, and a comment on a key that has no counterpart to the server. */
function commentsOf({ comments }: ForeignText, at: string, { targets, remarks }: Draft): ImportedServer["comments"] {
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

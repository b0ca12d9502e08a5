/** What an importer is, and how one reads a file of its tool. */
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

/** The machine and the folder that an import runs in. */
export interface Surroundings {
  platform: NodeJS.Platform;
  env: Environment;
  home: string;
  /** Absolute. */
  cwd: string;
}

/** A mapping of servers in a file. */
export interface Section {
  /** Where it is in the file. */
  pointer: string;
  servers: unknown;
  /** The folder that the tool starts these servers in; left out, that of nobody in particular. */
  project?: string;
  convert: Convert;
  fields: Fields;
  /** Why this one cannot be a server here. */
  skip?(raw: Mapping): string | undefined;
  /** What no key says by itself. */
  finish?(draft: Draft, raw: Mapping): void;
}

export interface Importer {
  tool: ToolName;
  /** The name that people know it by. */
  title: string;
  /** Where its files are, those first that win there. */
  places(surroundings: Surroundings): string[];
  /** Whether a file of unknown origin is one of this tool. */
  knows(file: ForeignText): boolean;
  sections(file: ForeignText, surroundings: Surroundings): { sections: Section[]; notes?: Note[] };
}

export interface ImportedServer {
  name: string;
  /** As shown to people. */
  file: string;
  /** In the shape of `mcpServers`. */
  entry: Mapping;
  /** Comments on the server, and on its keys under their names here. */
  comments: { above: readonly string[]; keys: ReadonlyMap<string, readonly string[]> };
  notes: Note[];
  /** Why it is none. */
  skipped?: string;
}

export interface ImportedFile {
  file: string;
  /** It was found in the working directory, which may be anybody's. */
  isOfFolder?: boolean;
  servers: ImportedServer[];
  /** About keys that belong to no server. */
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

/** How the server is reached comes first. */
function inOrder(entry: Mapping): Mapping {
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.fromEntries(Object.entries(entry).sort(([one], [other]) => rank(one) - rank(other)));
}

/** A comment further down is about the key that it stands under; one on a key that is not here any more, about the server. */
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

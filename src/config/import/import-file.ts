/** Reads the servers of one file of another program as entries of `mcpServers`. */
import { dirname } from "node:path";
import { asObject, isPlainObject, type JsonObject } from "../../core/json.js";
import { fields } from "./fields.js";
import { noPlaceholder } from "./placeholders.js";
import { type ImportSurroundings, pathsOf, projectOf } from "./program-paths.js";
import type { Program } from "./programs.js";
import { type ForeignFile, treeOf } from "./read-foreign.js";
import { type Note, ServerDraft } from "./server-draft.js";

export interface ImportedServer {
  name: string;
  /** Path of the imported file, in the form in which it is displayed. */
  file: string;
  /** The server as an entry of `mcpServers`. */
  entry: JsonObject;
  notes: Note[];
  /** Reason why the server is not imported. Undefined if the server is imported. */
  skipped?: string;
}

export interface ImportedFile {
  file: string;
  /** True if the file was found through the working directory. Anybody may have written such a file. */
  isOfFolder?: boolean;
  servers: ImportedServer[];
  /** Notes about parts of the file that do not belong to a server. */
  notes: Note[];
}

/** Reads a file. Throws ConfigError if another file of the program, which has rules for this one, cannot be read. */
export function importFile(program: Program, foreign: ForeignFile, surroundings: ImportSurroundings): ImportedFile {
  const { file, path, tree } = foreign;
  const { cwd } = surroundings;
  const rulePaths = new Set([...pathsOf(program.ruleFiles ?? [], surroundings, dirname(path)), path]);
  const trees = [...rulePaths].map((each) => (each === path ? tree : treeOf(each, cwd)));
  const project = projectOf(program, path, surroundings);
  const serversIn = (mapping: unknown, folder: string | undefined) =>
    Object.entries(asObject(mapping) ?? {}).map(([name, raw]): ImportedServer => {
      const convert = program.convert?.(folder ?? cwd, tree) ?? noPlaceholder;
      const draft = new ServerDraft(name, { base: folder ?? dirname(path), convert });
      const skipped = isPlainObject(raw) ? translate(raw, draft, program) : "it is not a mapping";
      const { entry, notes } = draft;
      if (folder !== undefined && entry.command !== undefined) entry.cwd ??= folder;
      if (isPlainObject(raw)) program.finish?.(draft, raw, tree);
      program.restrict?.(draft, trees, folder ?? cwd);
      return { name, file, entry, notes, ...(skipped !== undefined && { skipped }) };
    });
  const ofFolder = serversIn(program.serversOf?.(tree, cwd), cwd);
  const others = serversIn(program.servers ? program.servers(tree) : tree.mcpServers, project);
  const servers = [...ofFolder, ...others.filter(({ name }) => !ofFolder.some((server) => server.name === name))];
  const text = "were not imported: write under `permissions` what they forbid";
  const isNoted = servers.length > 0 && program.unread !== undefined;
  return { file, servers, notes: isNoted ? [{ key: `rules in ${program.unread}`, text }] : [] };
}

/** Translates the keys of a server. Returns the reason if this host cannot use the server. */
function translate(raw: JsonObject, draft: ServerDraft, program: Program): string | undefined {
  const unusable = whyUnusable(raw, program);
  if (unusable !== undefined) return unusable;
  setTransport(draft, raw, program);
  draft.take(raw, { ...fields, ...program.fields });
  return isThisProgram(draft.entry) ? "it is this program itself, which has these servers" : undefined;
}

function whyUnusable({ type, transport, source, tcp }: JsonObject, { title }: Program): string | undefined {
  if ([type, transport].some((kind) => ["builtin", "platform", "frontend", "inprocess"].includes(String(kind))))
    return `it is a part of ${title} itself`;
  if (type === "inline_python") return "it is Python code that goose runs: save it as a server, and add that";
  if (source === "extension") return `it comes with an extension of ${title}, which knows how to start it`;
  return tcp === undefined ? undefined : "tcp: this host does not speak MCP over WebSocket";
}

/** Names that programs give to transports. If a name stands for undefined, this host finds out which transport the server has. */
const transports: Readonly<Record<string, "http" | "sse" | undefined>> = {
  stdio: undefined,
  local: undefined,
  remote: undefined,
  http: "http",
  streamable: "http",
  streamableHttp: "http",
  streamable_http: "http",
  "streamable-http": "http",
  sse: "sse",
};

function setTransport(draft: ServerDraft, raw: JsonObject, program: Program): void {
  const known = { ...transports, ...program.transports };
  const name = String(raw.transport ?? raw.type ?? "");
  const type = raw.httpUrl !== undefined ? "http" : name === "" ? program.untyped : known[name];
  if (name !== "" && !Object.hasOwn(known, name)) draft.note("type", `"${name}" is not a transport of this host`);
  else if (type !== undefined && [raw.url, raw.uri, raw.httpUrl].some((url) => url !== undefined))
    draft.set("type", type);
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

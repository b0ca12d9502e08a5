/** The table of the programs whose configurations can be imported: where their files are, and what is special about their form. */
import { asObject, isPlainObject, type JsonObject } from "../../core/json.js";
import { inMilliseconds, seconds } from "./fields.js";
import { addresses, bareBraces, braces, type Convert, editorVariables, shell } from "./placeholders.js";
import type { FieldImport, FieldImports, ServerDraft } from "./server-draft.js";
import { type Restrict, restrictClaude, restrictGemini, restrictOpencode, restrictZed } from "./tool-rules.js";

export interface Program {
  /** Name of the program in commands. */
  tool: string;
  title: string;
  /** Paths at which the program may have a configuration file, preferred ones first. They begin with the name of a folder (program-paths.ts). */
  paths: readonly string[];
  /** Ends of further paths by which a file is recognised. */
  alsoAt?: readonly string[];
  /** Returns true if the content of a file shows that it belongs to this program. */
  has?(tree: JsonObject): boolean;
  /** Returns the mapping whose values are servers. If undefined, this is `mcpServers`. */
  servers?(tree: JsonObject): unknown;
  /** Returns servers that the file has for the working directory only. */
  serversOf?(tree: JsonObject, cwd: string): unknown;
  /** Returns the folder in which the servers of a project's file start, for files that are not in a folder such as `.cursor`. */
  project?(folder: string): string;
  /** Returns the conversion of placeholders for a file. If undefined, there are none. `folder` is the project, or else the working directory. */
  convert?(folder: string, tree: JsonObject): Convert;
  /** Keys that this program writes in another way than the other programs. */
  fields?: FieldImports;
  /** Names of transports that mean something else in this program. */
  transports?: Readonly<Record<string, "http" | undefined>>;
  /** Transport of a URL without a type. If undefined, this host tries Streamable HTTP first and then SSE. */
  untyped?: "http" | "sse";
  /** Further files whose rules about tools count. */
  ruleFiles?: readonly string[];
  restrict?: Restrict;
  /** Where the program has rules about tools that are not read. */
  unread?: string;
  /** Completes an entry after all its keys have been translated. */
  finish?(draft: ServerDraft, raw: JsonObject, tree: JsonObject): void;
}

/** Returns the mapping that contains the servers of opencode: in version 2 of the format `mcp.servers`, in earlier versions `mcp`. */
function opencodeServers({ mcp }: JsonObject): JsonObject {
  const all = asObject(mcp) ?? {};
  if (isPlainObject(all.servers) && all.servers.type === undefined) return all.servers;
  return Object.fromEntries(Object.entries(all).filter(([, server]) => isPlainObject(server)));
}

/** Returns the mapping that contains `servers` and `inputs` of VS Code. In a settings.json this is `mcp`. */
const vscodePart = (tree: JsonObject) => (tree.servers === undefined ? (asObject(tree.mcp) ?? tree) : tree);

const hasServer = (servers: unknown, test: (server: JsonObject) => boolean) =>
  Object.values(asObject(servers) ?? {}).some((server) => isPlainObject(server) && test(server));

/** Translates opencode's timeout: a number (time to start), or a mapping with a time to start and a time for requests. */
const opencodeTimeouts: FieldImport = (value, draft) => {
  const times = isPlainObject(value) ? value : { startup: value };
  draft.take(times, { startup: inMilliseconds("startup_timeout"), request: inMilliseconds("timeout") });
};

/** Replaces `$NAME` in Goose's headers by the value of NAME in the server's own `envs`, or else by a placeholder. */
function gooseHeaders(draft: ServerDraft, { headers }: JsonObject): void {
  if (draft.entry.url === undefined) return;
  const own = asObject(draft.entry.env) ?? {};
  delete draft.entry.env;
  for (const [name, value] of Object.entries(asObject(headers) ?? {})) {
    const text = shell(String(value)).text.replaceAll(/\$\{(\w+)\}/g, (placeholder, variable: string) =>
      Object.hasOwn(own, variable) ? String(own[variable]) : placeholder,
    );
    draft.setAll("headers", { [name]: text });
  }
}

/** Sets the timeout of a server without one, in seconds. */
function defaultTimeout(draft: ServerDraft, value: unknown, key: string): void {
  if (value !== undefined && draft.entry.timeout === undefined) seconds("timeout")(value, draft, key);
}

const opencodeFiles = (...folders: string[]) =>
  folders.flatMap((folder) => [`${folder}/opencode.json`, `${folder}/opencode.jsonc`]);

const kitFiles = [".kit", ".mcphost"].flatMap((name) => [`${name}.yml`, `${name}.yaml`, `${name}.json`]);

export const programs: readonly Program[] = [
  {
    tool: "claude-desktop",
    title: "Claude Desktop",
    paths: ["data/Claude/claude_desktop_config.json"],
    alsoAt: ["claude_desktop_config.json"],
  },
  {
    tool: "claude-code",
    title: "Claude Code",
    paths: ["cwd/.mcp.json", "home/.claude.json"],
    serversOf: ({ projects }, cwd) => asObject(asObject(projects)?.[cwd])?.mcpServers,
    project: (folder) => folder,
    convert: () => braces,
    // Claude Code keeps in the user's own file which servers of a project are off or were refused.
    ruleFiles: ["home/.claude.json"],
    restrict: restrictClaude,
    unread: "settings.json of Claude Code",
  },
  {
    tool: "cursor",
    title: "Cursor",
    paths: ["cwd/.cursor/mcp.json", "home/.cursor/mcp.json"],
    // Cline and Roo Code have the same format.
    alsoAt: [".roo/mcp.json", "mcp_settings.json", "cline_mcp_settings.json"],
    convert: (folder) => editorVariables(folder),
    fields: { timeout: seconds("timeout") },
    transports: { http: undefined },
    unread: "cli-config.json and cli.json of Cursor",
  },
  {
    tool: "vscode",
    title: "VS Code",
    paths: ["cwd/.vscode/mcp.json", "data/Code/User/mcp.json"],
    // opencode has its servers under the same key as a settings.json, but with other values of `type`.
    has: ({ servers, mcp }) =>
      isPlainObject(servers) ||
      hasServer(asObject(mcp)?.servers, ({ type = "stdio" }) => ["stdio", "http", "sse"].includes(String(type))),
    servers: (tree) => vscodePart(tree).servers,
    convert: (folder, tree) => editorVariables(folder, vscodePart(tree).inputs),
    transports: { http: undefined },
    unread: "settings.json of VS Code",
  },
  {
    tool: "gemini",
    title: "Gemini CLI",
    paths: ["cwd/.gemini/settings.json", "home/.gemini/settings.json"],
    has: ({ mcpServers }) =>
      hasServer(mcpServers, (server) =>
        ["httpUrl", "trust", "includeTools", "excludeTools", "authProviderType"].some((key) => key in server),
      ),
    convert: () => shell,
    untyped: "sse",
    ruleFiles: ["home/.gemini/settings.json", "home/.gemini/mcp-server-enablement.json"],
    restrict: restrictGemini,
    unread: "policies and tools.core of Gemini CLI",
  },
  {
    tool: "codex",
    title: "Codex",
    paths: ["cwd/.codex/config.toml", "codex/config.toml"],
    has: ({ mcp_servers: servers }) => isPlainObject(servers),
    servers: ({ mcp_servers: servers }) => servers,
    unread: "apps and profiles of Codex",
  },
  {
    tool: "opencode",
    title: "opencode",
    paths: opencodeFiles("config/opencode", "cwd").toReversed(),
    has: (tree) => hasServer(opencodeServers(tree), ({ type }) => type === "local" || type === "remote"),
    servers: opencodeServers,
    project: (folder) => folder,
    convert: () => bareBraces,
    fields: { timeout: opencodeTimeouts },
    ruleFiles: ["config/opencode/config.json", ...opencodeFiles("config/opencode", "beside")],
    restrict: restrictOpencode,
    unread: "agents, modes and plugins of opencode",
  },
  {
    tool: "goose",
    title: "goose",
    paths: ["roaming/Block/goose/config/config.yaml", "config/goose/config.yaml"],
    has: ({ extensions }) => isPlainObject(extensions),
    servers: ({ extensions }) => extensions,
    fields: { timeout: seconds("timeout"), headers: () => {} },
    finish: gooseHeaders,
    unread: "GOOSE_MODE and permission.yaml of goose",
  },
  {
    tool: "zed",
    title: "Zed",
    paths: ["cwd/.zed/settings.json", "roaming/Zed/settings.json", "config/zed/settings.json"],
    has: ({ context_servers: servers }) => isPlainObject(servers),
    servers: ({ context_servers: servers }) => servers,
    fields: { timeout: seconds("timeout") },
    untyped: "http",
    ruleFiles: ["roaming/Zed/settings.json", "config/zed/settings.json"],
    restrict: restrictZed,
    finish: (draft, _, tree) => defaultTimeout(draft, tree.context_server_timeout, "context_server_timeout"),
    unread: "profiles of Zed's agent",
  },
  {
    // mcphost is the predecessor of Kit. It treats a URL without a type as SSE.
    tool: "kit",
    title: "Kit",
    paths: ["cwd", "home"].flatMap((folder) => kitFiles.map((name) => `${folder}/${name}`)),
    has: ({ mcpServers }) =>
      hasServer(mcpServers, ({ command, headers }) => Array.isArray(command) || Array.isArray(headers)),
    project: (folder) => folder,
    convert: () => addresses,
    transports: { remote: "http" },
    untyped: "sse",
  },
  {
    tool: "original",
    title: "the original MCP-Platform",
    paths: ["cwd/servers_config.json", "cwd/src/servers_config.json", "cwd/Client/src/servers_config.json"],
    has: ({ settings }) => asObject(settings)?.defaultTimeout !== undefined,
    // The original platform was started in the parent of `src`.
    project: (folder) => folder.replace(/[/\\]src$/, ""),
    fields: { timeout: seconds("timeout") },
    finish: (draft, _, { settings }) =>
      defaultTimeout(draft, asObject(settings)?.defaultTimeout, "settings.defaultTimeout"),
  },
];

/** Returns the program to which a file with this content belongs. Undefined if it has no MCP servers in a known shape. */
export function foreignProgramOf(tree: JsonObject): Program | undefined {
  const owner = programs.find(({ has }) => has?.(tree));
  if (owner || tree.mcpServers === undefined) return owner;
  // Several programs have files of this form. It is read as Claude Code's, but has none of its rules.
  const plain = programs.find(({ tool }) => tool === "claude-code");
  return plain && { ...plain, unread: undefined };
}

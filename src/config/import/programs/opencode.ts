import { join } from "node:path";
import { asObjects, isPlainObject, type JsonObject } from "../../../core/json.js";
import { addAll } from "../../../core/lists/long-lists.js";
import { globMatches } from "../../../core/patterns/glob.js";
import {
  commandLine,
  copiedMilliseconds,
  copiedText,
  noteApproval,
  oauth,
  path,
  textMap,
  transport,
} from "../shared/entry-fields.js";
import { configHome } from "../shared/folders.js";
import { type ForeignText, folderOf, treeOf } from "../shared/foreign-text.js";
import type { Importer, ImportSurroundings } from "../shared/importer.js";
import { converting, variable } from "../shared/placeholders.js";
import type { FieldImport, Note, ServerDraft } from "../shared/server-draft.js";
import { withoutPrefix } from "../shared/tool-patterns.js";

const variables = converting(/\{(env|file):([^}]{1,4000})\}/, (kind, name = "") => {
  if (kind === "env") return variable(name);
  const stand = `${name
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_|_$/g, "")
    .toUpperCase()}`;
  const note = `{file:${name}} has no counterpart: set ${stand} to what is in that file`;
  return { ...variable(stand), note };
});

/** Translates a timeout, which is a number (time to start) or a mapping with a time to start and a time for requests. */
const timeouts: FieldImport = (value, draft, key) => {
  const { startup, request, ...rest } = isPlainObject(value) ? value : { startup: value };
  if (startup !== undefined) copiedMilliseconds("startup_timeout")(startup, draft, key);
  if (request !== undefined) copiedMilliseconds("timeout")(request, draft, key);
  for (const name of Object.keys(rest)) draft.note(`${key}.${name}`, "has no counterpart here");
};

const login: FieldImport = (value, draft, key) => {
  if (value === false) draft.note(key, "false: a login is begun here only when the server asks for one");
  else oauth(logins)(value, draft, key);
};

const logins = {
  clientId: "client_id",
  clientSecret: "client_secret",
  client_id: "client_id",
  client_secret: "client_secret",
  scope: "scope",
  callbackPort: "callback_port",
  callback_port: "callback_port",
} as const;

export const opencode: Importer = {
  tool: "opencode",
  title: "opencode",
  places: (surroundings) =>
    [surroundings.cwd, join(configHome(surroundings), "opencode")].flatMap((folder) => [
      join(folder, "opencode.jsonc"),
      join(folder, "opencode.json"),
    ]),
  rulePaths: (surroundings) => [
    join(surroundings.cwd, ".opencode"),
    ...["agent", "agents", "mode", "modes", "plugin", "plugins"].map((folder) =>
      join(configHome(surroundings), "opencode", folder),
    ),
  ],
  knows: ({ path, tree }) => /[/\\]opencode\.jsonc?$/.test(path) || hasItsTypes(serversOf(tree).servers),
  sections(file, surroundings) {
    const { tree } = file;
    const { pointer, servers } = serversOf(tree);
    const trees = mergedTrees(file, surroundings);
    const rules = mappedRules(trees);
    const laterRules = listedRules(trees);
    return {
      sections: [
        {
          pointer,
          servers,
          project: projectOf(file, surroundings),
          convert: variables,
          fields: {
            // For a remote server, opencode tries Streamable HTTP first and then SSE. This host does the same if no type is given.
            type: transport({ local: undefined, remote: undefined }),
            command: commandLine,
            environment: textMap("env"),
            cwd: path("cwd"),
            url: copiedText("url"),
            headers: textMap("headers"),
            oauth: login,
            timeout: timeouts,
          },
          skip: ({ type }) =>
            type === undefined
              ? "it has no type: it only switches a server on or off that comes from elsewhere"
              : undefined,
          finish(draft) {
            applyRules(draft, rules, "permission");
            applyRules(draft, laterRules, "permissions");
          },
        },
      ],
      notes: notesOn(tree, pointer),
      known: ["/mcp", "/tools", "/permission", "/permissions", ...withoutRules],
    };
  },
};

/**
 * Returns the servers and the pointer of the mapping that contains them. In version 2 of the format this is `mcp.servers`, in earlier
 * versions `mcp`.
 */
function serversOf({ mcp }: JsonObject): { pointer: string; servers: JsonObject } {
  const all = isPlainObject(mcp) ? mcp : {};
  if (isPlainObject(all.servers) && all.servers.type === undefined)
    return { pointer: "/mcp/servers", servers: all.servers };
  const servers = Object.entries(all).filter(([, server]) => isPlainObject(server));
  return { pointer: "/mcp", servers: Object.fromEntries(servers) };
}

function notesOn({ mcp, plugin, tools, permission, permissions }: JsonObject, pointer: string): Note[] {
  const others =
    pointer === "/mcp/servers" && isPlainObject(mcp) ? Object.keys(mcp).filter((key) => key !== "servers") : [];
  const isListed = Array.isArray(permissions) && permissions.every((rule) => isPlainObject(rule) && isListedRule(rule));
  const unknown = [
    ...(isAbsent(tools) || isMapped(tools) ? [] : ["tools"]),
    ...(isAbsent(permission) || isMapped(permission) ? [] : ["permission"]),
    ...(isAbsent(permissions) || isListed ? [] : ["permissions"]),
  ];
  return [
    ...others.map((key) => ({ key: `mcp.${key}`, text: "has no counterpart here" })),
    ...(isAbsent(plugin) ? [] : [{ key: "plugin", text: "was not imported, and plugins may forbid tools there" }]),
    ...unknown.map((key) => ({ key, text: "has a rule in a form that is not known here, which was left out" })),
  ];
}

const isAbsent = (value: unknown) => value === undefined || value === null;
const isMapped = (rules: unknown) =>
  isPlainObject(rules) ? Object.values(rules).every((value) => answerOf(value)) : answerOf(rules) !== undefined;

/** Settings of opencode that restrict no tools of MCP servers. */
const withoutRules = ["/disabled_providers", "/formatter", "/lsp", "/provider", "/providers", "/tool_output"];

function hasItsTypes(servers: JsonObject): boolean {
  return Object.values(servers).some(
    (server) => isPlainObject(server) && ["local", "remote"].includes(String(server.type)),
  );
}

interface Rule {
  /** Pattern for `server_tool`, in which `*` is any text and `?` any one character. */
  pattern: string;
  /** `ask` also stands for `true` under `tools`, which only switches a tool on. */
  answer: "allow" | "ask" | "deny";
}

/**
 * Reads the rules of version 1 in their order. Those under `permission` count after those under `tools`, which is the older key. A pattern that
 * stands in several files or under both keys keeps its first place and has its last value, as in opencode.
 */
function mappedRules(trees: readonly JsonObject[]): Rule[] {
  const answersIn = (rules: unknown) =>
    Object.entries(isPlainObject(rules) ? rules : { "*": rules }).flatMap(([pattern, value]) => {
      const answer = answerOf(value);
      return answer ? [[pattern, answer] as const] : [];
    });
  const written = new Map([
    ...trees.flatMap(({ tools }) => answersIn(tools)),
    ...trees.flatMap(({ permission }) => answersIn(permission)),
  ]);
  return [...written].map(([pattern, answer]) => ({ pattern, answer }));
}

/**
 * Reads the rules of version 2 in their order. What calls of MCP tools ask for is the resource `*`, so a rule for another resource allows none
 * of them. A denial of another resource stands for all calls.
 */
function listedRules(trees: readonly JsonObject[]): Rule[] {
  const written = trees.flatMap(({ permissions }) => asObjects(permissions)).filter(isListedRule);
  return written.flatMap(({ action, resource, effect }) =>
    effect === "deny" || resource === "*" ? [{ pattern: action, answer: effect }] : [],
  );
}

function isListedRule(rule: JsonObject): rule is JsonObject & { action: string; effect: Rule["answer"] } {
  return typeof rule.action === "string" && (["allow", "ask", "deny"] as unknown[]).includes(rule.effect);
}

/**
 * Returns the answer of a rule, undefined if it has none that is known here. A mapping has answers by the arguments of a call; the strictest
 * stands for all of them.
 */
function answerOf(value: unknown): Rule["answer"] | undefined {
  if (isPlainObject(value)) {
    const answers = Object.values(value).map(answerOf);
    return (["deny", "ask", "allow"] as const).find((answer) => answers.includes(answer));
  }
  if (value === false || value === "deny") return "deny";
  if (value === true || value === "ask") return "ask";
  return value === "allow" ? "allow" : undefined;
}

/**
 * Adds the denials that concern this server to `tools.deny`. `key` is the key of the rules in the file. A denial with `*` is left out if one
 * later rule under the same key covers all of it. A denial of one tool always stays: newer versions of opencode let rules for one tool count
 * wherever they stand.
 */
function applyRules(draft: ServerDraft, rules: readonly Rule[], key: string): void {
  const prefix = `${draft.name.replaceAll(/[^A-Za-z0-9_-]/g, "_")}_`;
  const denied: string[] = [];
  /** Patterns that rules after the present one allow or ask for. The rules are read backwards. */
  const takenBack: string[] = [];
  const isDenied = (tools: string) => !tools.includes("*") || !takenBack.some((back) => globMatches(back, tools));
  for (const { pattern, answer } of rules.toReversed()) {
    const tools = withoutPrefix(prefix, pattern);
    if (answer === "deny") addAll(denied, tools.filter(isDenied));
    else if (!pattern.includes("?")) addAll(takenBack, tools);
    if (answer === "allow" && pattern.startsWith(prefix)) noteApproval(draft, key, pattern);
  }
  draft.add("tools.deny", denied, key);
}

/** Returns the values of the files whose rules opencode merges, in its order: the user's own files, and those beside this file. */
function mergedTrees(file: ForeignText, surroundings: ImportSurroundings): JsonObject[] {
  const own = join(configHome(surroundings), "opencode");
  const paths = [
    join(own, "config.json"),
    ...[own, folderOf(file)].flatMap((folder) => [join(folder, "opencode.json"), join(folder, "opencode.jsonc")]),
    file.path,
  ];
  return [...new Set(paths)].map((path) => (path === file.path ? file.tree : treeOf(path, surroundings.cwd)));
}

function projectOf(file: ForeignText, surroundings: ImportSurroundings): string | undefined {
  const folder = folderOf(file);
  return folder === join(configHome(surroundings), "opencode") ? undefined : folder;
}

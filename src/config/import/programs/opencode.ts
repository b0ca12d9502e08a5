import { join } from "node:path";
import { isPlainObject, type JsonObject } from "../../../core/json.js";
import {
  commandLine,
  copiedMilliseconds,
  copiedText,
  disabled,
  enabled,
  oauth,
  path,
  textMap,
  transport,
} from "../shared/entry-fields.js";
import { configHome } from "../shared/folders.js";
import { applyToolRules, patternsAfter, type ToolRule } from "../shared/foreign-rules.js";
import { type ForeignText, folderOf, treeOf } from "../shared/foreign-text.js";
import type { Importer, ImportSurroundings } from "../shared/importer.js";
import { converting, variable } from "../shared/placeholders.js";
import type { FieldImport, Note, ServerDraft } from "../shared/server-draft.js";

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
  knows: ({ path, tree }) => /[/\\]opencode\.jsonc?$/.test(path) || hasItsTypes(serversOf(tree).servers),
  sections(file, surroundings) {
    const { tree } = file;
    const { pointer, servers } = serversOf(tree);
    const before = otherTrees(file, surroundings).flatMap((other) => strict(rulesOf(other)));
    const rules = [...before, ...rulesOf(tree)];
    const limits = otherLimits(tree);
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
            enabled,
            disabled,
            timeout: timeouts,
          },
          skip: ({ type }) =>
            type === undefined
              ? "it has no type: it only switches a server on or off that comes from elsewhere"
              : undefined,
          finish: (draft) => applyToolRules(draft, toolRules(draft, rules, limits), "permission"),
        },
      ],
      notes: notesOn(tree, pointer),
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

function notesOn({ mcp }: JsonObject, pointer: string): Note[] {
  const others =
    pointer === "/mcp/servers" && isPlainObject(mcp) ? Object.keys(mcp).filter((key) => key !== "servers") : [];
  return others.map((key) => ({ key: `mcp.${key}`, text: "has no counterpart here" }));
}

function hasItsTypes(servers: JsonObject): boolean {
  return Object.values(servers).some(
    (server) => isPlainObject(server) && ["local", "remote"].includes(String(server.type)),
  );
}

type WrittenRules = readonly (readonly [pattern: string, answer: ToolRule["answer"]])[];

/** Reads the rules of a file or an agent. Rules under `permission` count after those under `tools`, which is the older key. */
function rulesOf({ tools, permission }: JsonObject): WrittenRules {
  const permissions = permission === undefined || isPlainObject(permission) ? permission : { "*": permission };
  const written = { ...(isPlainObject(tools) ? tools : {}), ...permissions };
  return Object.entries(written).flatMap(([pattern, value]) => {
    // `true` under `tools` only switches a tool on.
    return value === true ? [] : [[pattern, answerOf(value)] as const];
  });
}

/** Returns the answer of a rule. A mapping has answers by the arguments of a call; the strictest stands for all of them. */
function answerOf(value: unknown): ToolRule["answer"] {
  if (isPlainObject(value)) {
    const answers = Object.values(value).map(answerOf);
    if (answers.includes("deny")) return "deny";
    return Object.keys(value).join() === "*" && answers[0] === "allow" ? "allow" : "ask";
  }
  if (value === false || value === "deny") return "deny";
  return value === "allow" ? "allow" : "ask";
}

/** Returns what limits tools apart from the file's own rules: the rules of its agents, and rules under `permissions` (version 2). */
function otherLimits({ agent, mode, permissions }: JsonObject): WrittenRules {
  const agents = [agent, mode].flatMap((all) => Object.values(isPlainObject(all) ? all : {})).filter(isPlainObject);
  const limits = agents.flatMap((one) => strict(rulesOf(one))).map(([pattern]) => [pattern, "ask"] as const);
  return permissions === undefined ? limits : [...limits, ["*", "ask"]];
}

const strict = (rules: WrittenRules) => rules.filter(([, answer]) => answer !== "allow");

/**
 * Returns the rules that concern this server. The last rule that matches counts, so rules before one for all tools do not. Those for one
 * tool are kept, because newer versions of opencode let them count wherever they stand.
 */
function toolRules(draft: ServerDraft, rules: WrittenRules, limits: WrittenRules): ToolRule[] {
  const prefix = `${draft.name.replaceAll(/[^A-Za-z0-9_-]/g, "_")}_`;
  const ofServer = (written: WrittenRules) =>
    written.flatMap(([pattern, answer]): ToolRule[] => {
      const all = patternsAfter(prefix, pattern).map((tools) => ({ tools, answer, written: pattern }));
      if (answer !== "allow" || (pattern.startsWith(prefix) && /^[\w*-]*$/.test(pattern))) return all;
      if (all.length > 0)
        draft.note(pattern, `allows nothing here: a rule that allows begins with ${prefix} and has no sign but *`);
      return [];
    });
  const own = ofServer(rules);
  const last = own.findLastIndex(({ tools }) => tools === "*");
  return [...own.filter(({ tools }, index) => index >= last || !tools.includes("*")), ...ofServer(limits)];
}

/** Returns the values of the other files whose rules opencode adds to those of this file: the user's own, and the one beside it. */
function otherTrees(file: ForeignText, surroundings: ImportSurroundings): JsonObject[] {
  return [join(configHome(surroundings), "opencode"), folderOf(file)]
    .flatMap((folder) => [join(folder, "opencode.jsonc"), join(folder, "opencode.json")])
    .filter((path) => path !== file.path)
    .map((path) => treeOf(path, surroundings.cwd));
}

function projectOf(file: ForeignText, surroundings: ImportSurroundings): string | undefined {
  const folder = folderOf(file);
  return folder === join(configHome(surroundings), "opencode") ? undefined : folder;
}

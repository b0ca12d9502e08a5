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
import { type ForeignText, folderOf } from "../shared/foreign-text.js";
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
    const rules = [...rulesOf(tree.tools), ...rulesOf(tree.permission)];
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
          finish: (draft) => applyRules(draft, rules),
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

type OpencodeRule = [pattern: string, answer: "allow" | "ask" | "deny"];

/** Reads tool rules from a mapping such as `tools: {"server_*": false}` or `permission: {"server_tool": "ask"}`. */
function rulesOf(tools: unknown): OpencodeRule[] {
  return Object.entries(isPlainObject(tools) ? tools : {}).flatMap(([pattern, answer]): OpencodeRule[] => {
    if (answer === false || answer === "deny") return [[pattern, "deny"]];
    return answer === "allow" || answer === "ask" ? [[pattern, answer]] : [];
  });
}

/** Applies the rules that concern this server. In opencode, the name of a tool is `server_tool`. */
function applyRules(draft: ServerDraft, rules: readonly OpencodeRule[]): void {
  for (const [pattern, answer] of rules) {
    if (!pattern.startsWith(draft.name)) continue;
    const rest = pattern.slice(draft.name.length);
    const tool = rest === "*" ? "*" : rest.startsWith("_") ? rest.slice(1) : undefined;
    if (tool === undefined || tool === "") continue;
    if (answer === "deny") draft.add("tools.deny", [tool], pattern);
    else if (answer === "allow") draft.add("tools.auto_approve", [tool], pattern);
    else draft.note(pattern, "is asked about as every tool is here (chat.service.permissions.ask makes sure of it)");
  }
}

function projectOf(file: ForeignText, surroundings: ImportSurroundings): string | undefined {
  const folder = folderOf(file);
  return folder === join(configHome(surroundings), "opencode") ? undefined : folder;
}

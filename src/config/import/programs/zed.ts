import { join } from "node:path";
import { asObject, isPlainObject, type JsonObject } from "../../../core/json.js";
import {
  copiedText,
  copiedTexts,
  droppedUnless,
  noteApproval,
  oauth,
  seconds,
  textMap,
  understood,
} from "../shared/entry-fields.js";
import { configHome, projectAround, roamingData } from "../shared/folders.js";
import { treeOf } from "../shared/foreign-text.js";
import type { Importer, ImportSurroundings } from "../shared/importer.js";
import { noPlaceholder } from "../shared/placeholders.js";
import type { FieldImport, ServerDraft } from "../shared/server-draft.js";

/** Translates the command, which is the path of the program. Until 2025 it was a mapping of path, arguments and variables. */
const command: FieldImport = (value, draft, key) => {
  if (isPlainObject(value))
    draft.take(value, { path: copiedText("command"), args: copiedTexts("args"), env: textMap("env") });
  else copiedText("command")(value, draft, key);
};

export const zed: Importer = {
  tool: "zed",
  title: "Zed",
  places: (surroundings) => [join(surroundings.cwd, ".zed", "settings.json"), usersFile(surroundings)],
  knows: ({ tree }) => isPlainObject(tree.context_servers),
  sections(file, surroundings) {
    const { tree } = file;
    const general = tree.context_server_timeout;
    const users = usersFile(surroundings);
    // The rules of the user's own file count for the servers of a project too.
    const trees = file.path === users ? [tree] : [tree, treeOf(users, surroundings.cwd)];
    return {
      sections: [
        {
          pointer: "/context_servers",
          servers: tree.context_servers,
          project: projectAround(file, ".zed", surroundings),
          convert: noPlaceholder,
          fields: {
            source: understood,
            command,
            args: copiedTexts("args"),
            env: textMap("env"),
            url: copiedText("url"),
            headers: textMap("headers"),
            timeout: seconds("timeout"),
            oauth: oauth({ client_id: "client_id", client_secret: "client_secret" }),
            remote: droppedUnless(false, "this host starts servers on its own machine"),
            settings: (value, draft, key) => {
              if (!isPlainObject(value) || Object.keys(value).length > 0) draft.note(key, "is for an extension of Zed");
            },
          },
          skip: ({ source, command, url }) =>
            source === "extension" || (command === undefined && url === undefined)
              ? "it comes with an extension of Zed, which knows how to start it"
              : undefined,
          finish(draft) {
            if (draft.entry.url !== undefined) draft.entry.type = "http";
            if (general !== undefined && draft.entry.timeout === undefined) {
              seconds("timeout")(general, draft, "context_server_timeout");
            }
            for (const { agent } of trees) applyPermissions(draft, asObject(asObject(agent)?.tool_permissions) ?? {});
          },
        },
      ],
      known: [`${permissionsKey}/default`, `${permissionsKey}/tools`, ...withoutRules],
    };
  },
};

const permissionsKey = "/agent/tool_permissions";

/** Settings of Zed that restrict no tools of MCP servers. */
const withoutRules = [
  "/agent/default_profile",
  "/edit_predictions",
  "/experimental.theme_overrides",
  "/file_scan_exclusions",
  "/language_models",
  "/languages",
  "/lsp",
  "/theme_overrides",
];

function usersFile(surroundings: ImportSurroundings): string {
  return surroundings.platform === "win32"
    ? join(roamingData(surroundings), "Zed", "settings.json")
    : join(configHome(surroundings), "zed", "settings.json");
}

/**
 * Adds what Zed denies to the server's tools. A tool that has no answer of its own has the general one. If that denies, only the tools with
 * another answer of their own are offered.
 */
function applyPermissions(draft: ServerDraft, { default: general, tools }: JsonObject): void {
  const key = "agent.tool_permissions";
  const prefix = `mcp:${draft.name}:`;
  const offered: string[] = [];
  for (const [id, rules] of Object.entries(asObject(tools) ?? {})) {
    if (!id.startsWith(prefix)) continue;
    const tool = id.slice(prefix.length);
    const answer = answerOf(rules);
    if (answer === "deny") draft.add("tools.deny", [tool], key);
    else if (answer !== undefined && !tool.includes("*")) offered.push(tool);
    if (answer === "allow") noteApproval(draft, key, tool);
  }
  if (general === "allow") noteApproval(draft, key, "every tool");
  if (general !== "deny") return;
  if (offered.length > 0) draft.add("tools.allow", offered, key);
  else draft.add("tools.deny", ["*"], key);
}

/**
 * Returns the answer for one tool, undefined if it has none of its own. Zed's patterns for arguments cannot be written here, so a pattern that
 * denies stands for all calls. An answer that is not known here denies.
 */
function answerOf(rules: unknown): "allow" | "confirm" | "deny" | undefined {
  const { default: answer, always_deny: denied } = asObject(rules) ?? {};
  if (Array.isArray(denied) && denied.length > 0) return "deny";
  if (answer === undefined || answer === null) return undefined;
  return answer === "allow" || answer === "confirm" ? answer : "deny";
}

import { join } from "node:path";
import { asObject, isPlainObject, type JsonObject } from "../../../core/json.js";
import {
  allowed,
  commonFields,
  copiedMilliseconds,
  copiedText,
  dropped,
  droppedUnless,
  oauth,
  understood,
} from "../shared/entry-fields.js";
import { projectAround } from "../shared/folders.js";
import { treeOf } from "../shared/foreign-text.js";
import type { Importer } from "../shared/importer.js";
import { shell } from "../shared/placeholders.js";
import type { Note, ServerDraft } from "../shared/server-draft.js";
import { withoutPrefix } from "../shared/tool-patterns.js";

const google = "gets credentials of Google, which this host cannot: give a headers.Authorization, or oauth";

export const geminiCli: Importer = {
  tool: "gemini",
  title: "Gemini CLI",
  places: ({ home, cwd }) => [join(cwd, ".gemini", "settings.json"), join(home, ".gemini", "settings.json")],
  rulePaths: ({ home, cwd }) => [home, cwd].map((folder) => join(folder, ".gemini", "policies")),
  knows: ({ path, tree }) => /[/\\]\.gemini[/\\]settings\.json$/.test(path) || usesItsKeys(tree.mcpServers),
  sections(file, surroundings) {
    const { home, cwd } = surroundings;
    const usersFile = join(home, ".gemini", "settings.json");
    // Gemini CLI adds what the user's own file excludes to what a project's file excludes.
    const trees = file.path === usersFile ? [file.tree] : [file.tree, treeOf(usersFile, cwd)];
    // `gemini mcp disable` writes this file.
    const enablement = treeOf(join(home, ".gemini", "mcp-server-enablement.json"), cwd);
    return {
      sections: [
        {
          pointer: "/mcpServers",
          servers: file.tree.mcpServers,
          project: projectAround(file, ".gemini", surroundings),
          convert: shell,
          fields: {
            ...commonFields,
            httpUrl: copiedText("url"),
            type: understood,
            timeout: copiedMilliseconds("timeout"),
            includeTools: allowed("nothing"),
            oauth: oauth({ clientId: "client_id", clientSecret: "client_secret", scopes: "scope" }),
            description: understood,
            authProviderType: droppedUnless("dynamic_discovery", google),
            targetAudience: dropped(google),
            targetServiceAccount: dropped(google),
            extension: dropped("belongs to an extension of Gemini CLI"),
          },
          skip: ({ tcp }) => (tcp === undefined ? undefined : "tcp: this host does not speak MCP over WebSocket"),
          finish(draft, raw) {
            // In Gemini CLI, `url` means SSE unless `type` has another value.
            if (draft.entry.url !== undefined) draft.entry.type = transportOf(raw);
            if (trees.some((tree) => isExcluded(draft, tree)) || isDisabled(draft, enablement))
              draft.entry.enabled = false;
            draft.add(
              "tools.deny",
              trees.flatMap((tree) => excludedTools(draft, tree)),
              "tools.exclude",
            );
            if (typeof raw.description === "string") draft.remark(raw.description);
          },
        },
      ],
      notes: notesOn(file.tree),
      known: ["/mcp", "/allowMCPServers", "/excludeMCPServers", "/tools/exclude", "/excludeTools", ...withoutRules],
    };
  },
};

/** Settings of Gemini CLI that restrict no tools of MCP servers. */
const withoutRules = ["/tools/sandbox", "/tools/shell", "/sandbox", "/allowedTools", "/tools/allowed"];

function transportOf({ httpUrl, type }: JsonObject): "http" | "sse" {
  return httpUrl !== undefined || type === "http" ? "http" : "sse";
}

/** Returns true if the file switches the server off. Older versions have the two lists at the top of the file. */
function isExcluded({ name }: ServerDraft, { mcp, allowMCPServers, excludeMCPServers }: JsonObject): boolean {
  const { allowed: only, excluded } = isPlainObject(mcp) ? mcp : {};
  const isListed = (list: unknown) => Array.isArray(list) && list.includes(name);
  const isAmongOthers = (list: unknown) => Array.isArray(list) && list.length > 0 && !isListed(list);
  return [excluded, excludeMCPServers].some(isListed) || [only, allowMCPServers].some(isAmongOthers);
}

/** Returns true if the file has `{NAME: {"enabled": false}}`. Gemini CLI writes the name in lower case. */
function isDisabled({ name }: ServerDraft, enablement: JsonObject): boolean {
  const written = name.toLowerCase().trim();
  return Object.hasOwn(enablement, written) && asObject(enablement[written])?.enabled === false;
}

/**
 * Returns the tools that the file excludes for all servers. A name may have the server before it. Names with arguments in parentheses are
 * about tools of Gemini CLI itself.
 */
function excludedTools({ name }: ServerDraft, { tools, excludeTools }: JsonObject): string[] {
  const lists = [isPlainObject(tools) ? tools.exclude : undefined, excludeTools];
  const names = lists
    .flatMap((list) => (Array.isArray(list) ? list.map(String) : []))
    .filter((each) => !each.includes("("));
  const server = name.replaceAll(/[^\w.:-]/g, "_");
  // Gemini CLI puts no second `mcp_` before a name that begins with it.
  const more = server.startsWith("mcp_") ? [`${server}_`] : [];
  const prefixes = ["", `mcp_${server}_`, `${server}__`, ...more];
  const patterns = names
    .map(withoutMarker)
    .flatMap((each) => prefixes.flatMap((prefix) => withoutPrefix(prefix, each)));
  return patterns.flatMap((pattern) => [pattern, ...asPlainName(pattern)]);
}

/**
 * Returns the pattern also with `_` for dots and colons, if it has some besides `_`. Gemini CLI keeps them, and `_` may stand for another
 * character, but `tools.deny` knows a tool only by its own name and by the name in which `_` stands for all of them.
 */
function asPlainName(pattern: string): string[] {
  return /[.:]/.test(pattern) && pattern.includes("_") ? [pattern.replaceAll(/[.:]/g, "_")] : [];
}

/** Returns a pattern for a name that Gemini CLI has shortened to 63 characters: `...`, in earlier versions `___`, stands for what it left out. */
function withoutMarker(name: string): string {
  return name.replace(/^(.{30})\.{3}(.{30})$/, "$1*$2").replace(/^(.{28})_{3}(.{32})$/, "$1*$2");
}

function notesOn({ mcp }: JsonObject): Note[] {
  const { allowed: _, excluded: __, ...rest } = isPlainObject(mcp) ? mcp : {};
  return Object.keys(rest).map((key) => ({ key: `mcp.${key}`, text: "has no counterpart here" }));
}

function usesItsKeys(servers: unknown): boolean {
  const own = ["httpUrl", "trust", "includeTools", "excludeTools", "authProviderType"];
  return Object.values(isPlainObject(servers) ? servers : {}).some(
    (server) => isPlainObject(server) && own.some((key) => key in server),
  );
}

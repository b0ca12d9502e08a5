import { join } from "node:path";
import { isPlainObject, type JsonObject } from "../../../core/json.js";
import {
  allowed,
  commonFields,
  copiedMilliseconds,
  copiedText,
  copiedTrust,
  denied,
  dropped,
  droppedUnless,
  oauth,
  understood,
} from "../shared/entry-fields.js";
import { projectAround } from "../shared/folders.js";
import type { Importer } from "../shared/importer.js";
import { shell } from "../shared/placeholders.js";
import type { Note, ServerDraft } from "../shared/server-draft.js";

const google = "gets credentials of Google, which this host cannot: give a headers.Authorization, or oauth";

export const geminiCli: Importer = {
  tool: "gemini",
  title: "Gemini CLI",
  places: ({ home, cwd }) => [join(cwd, ".gemini", "settings.json"), join(home, ".gemini", "settings.json")],
  knows: ({ path, tree }) => /[/\\]\.gemini[/\\]settings\.json$/.test(path) || usesItsKeys(tree.mcpServers),
  sections(file, surroundings) {
    const mcp = isPlainObject(file.tree.mcp) ? file.tree.mcp : {};
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
            trust: copiedTrust,
            includeTools: allowed("nothing"),
            excludeTools: denied,
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
            if (isExcluded(draft, mcp)) draft.entry.enabled = false;
            if (typeof raw.description === "string") draft.remark(raw.description);
          },
        },
      ],
      notes: notesOn(mcp),
    };
  },
};

function transportOf({ httpUrl, type }: JsonObject): "http" | "sse" {
  return httpUrl !== undefined || type === "http" ? "http" : "sse";
}

function isExcluded({ name }: ServerDraft, { allowed: only, excluded }: JsonObject): boolean {
  const isListed = (list: unknown) => Array.isArray(list) && list.includes(name);
  return isListed(excluded) || (Array.isArray(only) && only.length > 0 && !isListed(only));
}

function notesOn({ allowed: _, excluded: __, ...rest }: JsonObject): Note[] {
  return Object.keys(rest).map((key) => ({ key: `mcp.${key}`, text: "has no counterpart here" }));
}

function usesItsKeys(servers: unknown): boolean {
  const own = ["httpUrl", "trust", "includeTools", "excludeTools", "authProviderType"];
  return Object.values(isPlainObject(servers) ? servers : {}).some(
    (server) => isPlainObject(server) && own.some((key) => key in server),
  );
}

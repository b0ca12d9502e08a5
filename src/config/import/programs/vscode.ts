import { join } from "node:path";
import { isPlainObject, type JsonObject } from "../../../core/json.js";
import { commonFields, dropped, oauth, path, transport } from "../shared/entry-fields.js";
import { applicationData, projectAround } from "../shared/folders.js";
import type { Importer } from "../shared/importer.js";
import { editorVariables, inputVariable } from "../shared/placeholders.js";
import type { Note } from "../shared/server-draft.js";

const gallery = "is for the gallery of VS Code";

export const vscode: Importer = {
  tool: "vscode",
  title: "VS Code",
  places: (surroundings) => [
    join(surroundings.cwd, ".vscode", "mcp.json"),
    join(applicationData(surroundings), "Code", "User", "mcp.json"),
  ],
  knows: ({ path, tree }) =>
    /[/\\]\.vscode[/\\]mcp\.json$/.test(path) || isPlainObject(tree.servers) || hasServersInSettings(tree),
  sections(file, surroundings) {
    const { tree } = file;
    const project = projectAround(file, ".vscode", surroundings);
    const own = tree.servers === undefined && isPlainObject(tree.mcp) ? tree.mcp : tree;
    const inputs = inputsOf(own.inputs);
    return {
      sections: [
        {
          pointer: own === tree ? "/servers" : "/mcp/servers",
          servers: own.servers,
          project,
          convert: editorVariables(project ?? surroundings.cwd, inputs),
          fields: {
            // For `http`, VS Code tries Streamable HTTP first and then SSE. This host does the same if a URL has no type.
            type: transport({ stdio: undefined, http: undefined, sse: "sse" }),
            ...commonFields,
            envFile: path("env_file"),
            oauth: oauth({ clientId: "client_id" }),
            dev: dropped("is for those who write the server: this host restarts it when its entry changes"),
            sandboxEnabled: (value, draft, key) => {
              if (value !== true) return;
              draft.set("enabled", false, key);
              draft.note(key, "asks for a sandbox, which this host does not put servers in, so it comes switched off");
            },
            sandbox: dropped("asks for a sandbox, which this host does not put servers in"),
            gallery: dropped(gallery),
            version: dropped(gallery),
          },
        },
      ],
      notes: [...inputs].flatMap(([id, { description }]): Note[] => {
        const what = description ? ` (${description})` : "";
        return [{ key: `inputs.${id}`, text: `set ${inputVariable(id)}${what}: this host does not ask for it` }];
      }),
      known: [own === tree ? "/inputs" : "/mcp/inputs", ...withoutRules],
    };
  },
};

/** Settings in a settings.json of VS Code that restrict no tools of MCP servers. */
const withoutRules = ["/files.exclude", "/files.watcherExclude", "/search.exclude"];

/**
 * Returns true if a settings.json contains servers of VS Code. opencode has its servers under the same key, but with other values of
 * `type`.
 */
function hasServersInSettings({ mcp }: JsonObject): boolean {
  const servers =
    isPlainObject(mcp) && isPlainObject(mcp.servers) ? Object.values(mcp.servers).filter(isPlainObject) : [];
  return servers.length > 0 && servers.every(({ type = "stdio" }) => ["stdio", "http", "sse"].includes(String(type)));
}

function inputsOf(list: unknown): Map<string, { default?: string; description?: string }> {
  const inputs = Array.isArray(list) ? list.filter(isPlainObject) : [];
  return new Map(
    inputs.flatMap(({ id, default: fallback, description }) => {
      const input = {
        ...(typeof fallback === "string" && { default: fallback }),
        ...(typeof description === "string" && { description }),
      };
      return typeof id === "string" ? [[id, input] as const] : [];
    }),
  );
}

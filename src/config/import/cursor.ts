import { join } from "node:path";
import type { Field } from "./draft.js";
import { approved, commonFields, disabled, oauth, path, seconds, transport } from "./fields.js";
import { projectAround } from "./folders.js";
import type { Importer } from "./importer.js";
import { editorVariables } from "./variables.js";

/** No type: the tool tries Streamable HTTP, then SSE, as this host does with a URL that has no type. */
const either = undefined;

/** Importer for Cursor and, by file name, for Cline and Roo Code, which share its format. */
export const cursor: Importer = {
  tool: "cursor",
  title: "Cursor",
  places: ({ home, cwd }) => [join(cwd, ".cursor", "mcp.json"), join(home, ".cursor", "mcp.json")],
  knows: ({ path }) => /[/\\]\.(cursor|roo)[/\\]mcp\.json$|[/\\](cline_)?mcp_settings\.json$/.test(path),
  sections(file, surroundings) {
    const project = projectAround(file, ".cursor", surroundings) ?? projectAround(file, ".roo", surroundings);
    return {
      sections: [
        {
          pointer: "/mcpServers",
          servers: file.tree.mcpServers,
          project,
          convert: editorVariables(project ?? surroundings.cwd),
          fields: {
            type: transport({
              stdio: either,
              http: either,
              streamableHttp: "http",
              "streamable-http": "http",
              sse: "sse",
            }),
            ...commonFields,
            envFile: path("env_file"),
            auth: oauth({ CLIENT_ID: "client_id", CLIENT_SECRET: "client_secret", scopes: "scope" }),
            disabled,
            autoApprove: approved,
            alwaysAllow: approved,
            timeout: clineTimeout,
          },
        },
      ],
    };
  },
};

/** Timeout of Cline and Roo Code, in seconds. */
const clineTimeout: Field = seconds("timeout");

import { join } from "node:path";
import { commonFields, oauth, path, seconds, transport } from "../shared/entry-fields.js";
import { projectAround } from "../shared/folders.js";
import type { Importer } from "../shared/importer.js";
import { editorVariables } from "../shared/placeholders.js";
import type { FieldImport } from "../shared/server-draft.js";

/**
 * For these transport names, no type is written. Cursor tries Streamable HTTP first and then SSE. This host does the same if a URL has no
 * type.
 */
const either = undefined;

/** Importer for Cursor. It also reads files of Cline and Roo Code, which have the same format; their file names are different. */
export const cursor: Importer = {
  tool: "cursor",
  title: "Cursor",
  places: ({ home, cwd }) => [join(cwd, ".cursor", "mcp.json"), join(home, ".cursor", "mcp.json")],
  rulePaths: ({ home, cwd }) => [join(home, ".cursor", "cli-config.json"), join(cwd, ".cursor", "cli.json")],
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
            timeout: clineTimeout,
          },
        },
      ],
    };
  },
};

/** Translates a timeout of Cline and Roo Code, which is given in seconds. */
const clineTimeout: FieldImport = seconds("timeout");

/** The host's own tool by which a model reads what the catalogue lists and results point to. On offer only while there is something. */
import type { JsonSchema } from "../core/chat.js";
import { messageOf } from "../core/errors.js";
import { errorResult } from "./content.js";
import type { RegisteredTool } from "./registry.js";
import { readFrom } from "./resources.js";
import type { SupervisedServer } from "./supervised-server.js";
import { modelName } from "./tools.js";

const server = "host";
const tool = "read_resource";

const annotations = { readOnly: true, idempotent: true, destructive: false, openWorld: true };

const inputSchema: JsonSchema = {
  type: "object",
  properties: {
    uri: { type: "string", description: "As listed, as in a tool's result, or by one of the servers' URI templates." },
  },
  required: ["uri"],
  additionalProperties: false,
};

export function resourceTool(servers: readonly SupervisedServer[]): RegisteredTool[] {
  const templates = servers.flatMap(({ lists }) => lists.templates);
  const hasNone = servers.every(({ lists, linked }) => lists.resources.length === 0 && linked.isEmpty);
  if (templates.length === 0 && hasNone) return [];
  const known = templates.length > 0 ? ` URI templates: ${templates.slice(0, 20).join(" ")}` : "";
  return [
    {
      definition: {
        name: modelName(server, tool),
        description: `Reads a resource of an MCP server by its URI.${known}`,
        inputSchema,
        server,
        tool,
        ...annotations,
      },
      prepare: (args) => ({
        server,
        tool,
        place: server,
        ...annotations,
        autoApproved: false,
        arguments: args,
        pin() {},
        async send({ signal }) {
          try {
            return { content: await readFrom(servers, String(args.uri), signal), isError: false };
          } catch (error) {
            return errorResult(signal.aborted ? `${tool} was cancelled` : `${tool} failed: ${messageOf(error)}`);
          }
        },
      }),
    },
  ];
}

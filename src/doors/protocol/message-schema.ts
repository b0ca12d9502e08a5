import type { JsonSchema } from "../../core/messages.js";
import { hostSchemas } from "./chunk-schemas.js";
import { clientSchemas } from "./incoming.js";
import { partSchemas } from "./part-schemas.js";

/**
 * Returns the schemas of all messages by name. A reference to another schema is `path` followed by the name of that schema.
 * `ClientMessage` and `HostMessage` together cover every message.
 */
export function messageSchemas(path: string): Record<string, JsonSchema> {
  const refer = (name: string) => ({ $ref: `${path}${name}` });
  const client = prefixed("client_", clientSchemas());
  const host = prefixed("host_", hostSchemas(refer));
  const oneOf = (schemas: Record<string, JsonSchema>) => Object.keys(schemas).map(refer);
  return {
    ClientMessage: { description: "What a client sends.", oneOf: oneOf(client) },
    HostMessage: { description: "What a client receives.", oneOf: oneOf(host) },
    ...client,
    ...host,
    ...partSchemas(),
  };
}

export function messageSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "MCP-Platform message protocol",
    description:
      "One JSON object a line (mcp-platform stdio) or a text frame (/ws/chat). Ignore fields and chunk types that you do not know.",
    anyOf: [{ $ref: "#/$defs/ClientMessage" }, { $ref: "#/$defs/HostMessage" }],
    $defs: messageSchemas("#/$defs/"),
  };
}

export function messageSchemaText(): string {
  return JSON.stringify(messageSchema(), null, 2);
}

function prefixed(prefix: string, schemas: Record<string, JsonSchema>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [prefix + name, schema]));
}

/** Validators of the published schema of the host's messages. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonSchema } from "../../../src/core/messages.js";
import { messageSchema } from "../../../src/doors/protocol/message-schema.js";

/** Returns the schema without room for unknown fields. A client would ignore such a field; from the host it is a mistake. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, closed(value)] as const);
  const isClosed = "properties" in schema && schema.properties !== undefined && !("oneOf" in schema);
  return Object.fromEntries(isClosed ? [...entries, ["unevaluatedProperties", false]] : entries);
}

const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: false });
ajv.addSchema(messageSchema(), "protocol");
const strict = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
strict.addSchema(closed(messageSchema()) as JsonSchema, "protocol");

/** Checks a client message by the schema, not by the parser. The host refuses any other message with an error. */
export const isClientMessage = ajv.compile({ $ref: "protocol#/$defs/ClientMessage" });
export const isHostMessage = ajv.compile({ $ref: "protocol#/$defs/HostMessage" });
export const isExactHostMessage = strict.compile({ $ref: "protocol#/$defs/HostMessage" });

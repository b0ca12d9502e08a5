/** Messages of the host as tests read them: each must match the published schema exactly. */
import { afterEach, expect } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonSchema } from "../../src/core/messages.js";
import { messageSchema } from "../../src/doors/protocol/message-schema.js";

export interface Message {
  request_id: string | null;
  seq?: number;
  status: string;
  chunk: { type?: string; data?: unknown; metadata?: Record<string, unknown>; [field: string]: unknown };
}

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

const wrong: string[] = [];

/** Parses a message of the host. If the message does not match the schema, the test fails. */
export function readMessage(text: string): Message {
  const message: Message = JSON.parse(text);
  if (!isExactHostMessage(message)) wrong.push(text);
  return message;
}

afterEach(() => {
  expect(wrong.splice(0)).toEqual([]);
});

/** Messages of the host as tests read them: each has to be what the published schema says, and nothing beside it. */
import { afterEach, expect } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonSchema } from "../../src/core/chat.js";
import { messageSchema } from "../../src/frontends/message-schema.js";

export interface Message {
  request_id: string | null;
  seq?: number;
  status: string;
  chunk: { type?: string; data?: unknown; metadata?: Record<string, unknown>; [field: string]: unknown };
}

/** The document, as the host has to keep to it: a field that is not in it is a mistake, where a client would ignore it. */
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

/** What is no client message is refused with an error; the schema's word, where the parser has its own. */
export const isClientMessage = ajv.compile({ $ref: "protocol#/$defs/ClientMessage" });
export const isHostMessage = ajv.compile({ $ref: "protocol#/$defs/HostMessage" });
export const isExactHostMessage = strict.compile({ $ref: "protocol#/$defs/HostMessage" });

const wrong: string[] = [];

/** A message of the host. One that is not in the schema fails the test that it is read in. */
export function readMessage(text: string): Message {
  const message: Message = JSON.parse(text);
  if (!isExactHostMessage(message)) wrong.push(text);
  return message;
}

afterEach(() => {
  expect(wrong.splice(0)).toEqual([]);
});

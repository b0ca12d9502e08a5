/**
 * Messages that a client may send on a pipe or a WebSocket. The fields of each message are listed in a table, from which the parser, the
 * types and the schema are derived.
 */

import { isPlainObject, jsonProblem, parseJson } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import {
  anything,
  effort,
  type Field,
  fieldSchema,
  flag,
  name,
  names,
  or,
  position,
  required,
  seenEvent,
  sentContent,
  temperature,
  text,
  texts,
} from "./message-fields.js";
import { object, optional } from "./schema-words.js";

/** An error in received JSON. The message is addressed to the sender. */
class MessageProblem extends Error {}

const turn = {
  streaming: flag,
  model: name,
  interrupt: flag,
  temperature,
  effort,
  system: text,
  withoutTools: names,
};

/** Payload fields of each action. The names are in camelCase here and in snake_case on the wire. */
const payloads = {
  chat: { text: name, content: sentContent, ...turn },
  apply_prompt: { name: required(name), arguments: or(texts, {}), ...turn },
  answer: { questionId: required(name), value: required(anything) },
  cancel: {},
  clear_session: {},
  history: { from: or(position, 1), follow: flag, seen: seenEvent },
  watch_sessions: {},
  list_servers: {},
  list_tools: {},
  list_prompts: {},
  list_resources: {},
  complete: { prompt: name, template: name, argument: required(name), value: or(text, "") },
  read_resource: { uri: required(name) },
  ping: {},
} satisfies Record<string, Record<string, Field<unknown>>>;

const descriptions: Record<Action, string> = {
  chat: "A turn. A request_id is answered once in its conversation. The message is text, or content: parts that the model takes. without_tools names tools as list_tools does, or server__*.",
  apply_prompt:
    "A turn with a server's prompt as its message. A request_id that is known gets its turn, whatever the prompt says by now.",
  answer:
    'Answers an open question. Approval: true, false or {"allow", "remember", "message", "arguments"}; form: {"action", "content"}.',
  cancel: "Ends what the request began: a turn, or a request to a server.",
  clear_session:
    "Begins another conversation for the messages of this pipe or socket that name none. Refused for any other.",
  history:
    "Stored events from a seq on, as chunks, then history_end. It needs no request_id, because it starts nothing. With follow it continues with all new events, of any client, until it is cancelled. seen is the last event that the client has: if the conversation no longer has it, because it was deleted, the answer is the error not_found. A chunk without seq is a preview of an event that is not stored yet.",
  watch_sessions:
    "The latest conversations as chunks of the type session, and each one that any process changes from then on, until the request is cancelled. A version replaces the other versions in a list.",
  list_servers: "The MCP servers and their state, at once.",
  list_tools: "The tools that the model can use, once the servers have settled.",
  list_prompts: "The servers' prompts, once the servers have settled.",
  list_resources: "The servers' resources and URI templates, once the servers have settled.",
  complete: "Values that a server proposes for an argument of a prompt or of a URI template.",
  read_resource: "A resource, from the server that has it.",
  ping: "The host answers with pong.",
};

type Payloads = typeof payloads;
type Action = keyof Payloads;
type FieldValues<Fields> = { [Name in keyof Fields]: Fields[Name] extends Field<infer Value> ? Value : never };
type RequestId<Name extends Action> = Name extends "history" ? string | undefined : string;

export type ClientMessage<Name extends Action = Action> = {
  [Each in Name]: { action: Each; requestId: RequestId<Each>; conversationId?: string } & FieldValues<Payloads[Each]>;
}[Name];

/** A line that is not a valid message. `requestId` is set if the request id in the line can be read. */
export interface BadMessage {
  problem: string;
  requestId?: string;
}

/** Parses one message. Unknown fields are ignored, because a newer client may send them. */
export function parseMessage(line: string): ClientMessage | BadMessage {
  let requestId: string | undefined;
  try {
    const message = parseJson(line);
    if (message === undefined) throw new MessageProblem(`not JSON: ${jsonProblem(line)}`);
    if (!isPlainObject(message)) throw new MessageProblem("a message must be a JSON object");
    requestId = read(message, "request_id", name);
    return readMessage(message, requestId);
  } catch (error) {
    if (error instanceof MessageProblem) return { problem: error.message, requestId };
    throw error;
  }
}

function readMessage(message: Record<string, unknown>, requestId: string | undefined): ClientMessage {
  const action = read(message, "action", name);
  const conversationId = read(message, "conversation_id", name);
  const payload = message.payload ?? {};
  if (!isPlainObject(payload)) throw new MessageProblem('"payload" must be an object');
  if (action !== "history" && requestId === undefined) throw new MessageProblem('"request_id" is missing');
  const values = readPayload(payload, action);
  // `readPayload` has checked the values against the table.
  return { action, requestId, conversationId, ...values } as ClientMessage;
}

function readPayload(payload: Record<string, unknown>, action: string | undefined): Record<string, unknown> {
  if (action === undefined) throw new MessageProblem(`"action" is missing; ${actionsHint}`);
  if (!isAction(action))
    throw new MessageProblem(`unknown action ${JSON.stringify(action.slice(0, 40))}; ${actionsHint}`);
  const fields = Object.entries<Field<unknown>>(payloads[action]);
  const values = Object.fromEntries(
    fields.map(([key, field]) => [key, read(payload, wireName(key), field, "payload.")] as const),
  );
  const choice = alternatives[action];
  if (choice && choice.filter((key) => values[key] !== undefined).length !== 1) {
    throw new MessageProblem(`"payload" must have either "${choice[0]}" or "${choice[1]}"`);
  }
  return values;
}

/** Fields of which a message must have exactly one. */
const alternatives: Partial<Record<Action, readonly [string, string]>> = {
  chat: ["text", "content"],
  complete: ["prompt", "template"],
};

const actionNames = Object.keys(payloads);
const actionsHint = `use ${actionNames.slice(0, -1).join(", ")} or ${actionNames.at(-1)}`;

function isAction(action: string): action is Action {
  return Object.hasOwn(payloads, action);
}

function wireName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function read<Value>(from: Record<string, unknown>, key: string, field: Field<Value>, path = ""): Value {
  const found = Object.hasOwn(from, key) ? from[key] : undefined;
  const value = field.takesNull ? found : (found ?? undefined);
  if (value === undefined && field.isRequired) throw new MessageProblem(`"${path}${key}" is missing`);
  if (value !== undefined && !field.accepts(value)) throw new MessageProblem(`"${path}${key}" ${field.must}`);
  return (value ?? field.otherwise ?? value) as Value;
}

export function clientSchemas(): Record<Action, JsonSchema> {
  const entries = Object.entries<Record<string, Field<unknown>>>(payloads).map(([action, fields]) => {
    const isHistory = action === "history";
    const either = alternatives[action as Action] ?? [];
    const payload = payloadSchema(fields, either);
    const needsPayload = either.length > 0 || Object.values(fields).some(({ isRequired }) => isRequired);
    const properties = {
      action: { const: action },
      request_id: fieldSchema({ ...name, isRequired: !isHistory }),
      conversation_id: fieldSchema(name),
      payload: needsPayload ? payload : optional(payload),
    };
    const needed = ["action", ...(isHistory ? [] : ["request_id"]), ...(needsPayload ? ["payload"] : [])];
    return [action, { description: descriptions[action as Action], ...object(properties, needed) }];
  });
  return Object.fromEntries(entries);
}

/** Returns the schema of a payload. `either` names fields of which exactly one must be present. */
function payloadSchema(fields: Record<string, Field<unknown>>, either: readonly string[]): JsonSchema {
  const entries = Object.entries(fields).map(([key, field]) => [wireName(key), field] as const);
  const schema = object(
    Object.fromEntries(entries.map(([key, field]) => [key, fieldSchema(field)])),
    entries.flatMap(([key, { isRequired }]) => (isRequired ? [key] : [])),
  );
  if (either.length === 0) return schema;
  return { ...schema, oneOf: either.map((key) => object({ [key]: fields[key]?.schema ?? {} }, [key])) };
}

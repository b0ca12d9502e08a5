/**
 * JSON Schemas of the messages that a client receives: each chunk type with its data, grouped by the message's `status`. `chunks.ts` makes
 * these chunks.
 */
import type { JsonSchema } from "../../core/messages.js";
import type { ChunkType } from "./chunks.js";
import { error, serverState } from "./part-schemas.js";
import {
  anything,
  count,
  flag,
  list,
  name,
  nothing,
  number,
  object,
  optional,
  position,
  text,
  whole,
} from "./schema-words.js";

export type Refer = (name: string) => JsonSchema;

/** Metadata fields that only chunks from `history` have: the event's turn, and its time in ms since the epoch. */
const historyFields = { turn_id: text, at: number };

const stopReason = { enum: ["end_turn", "max_tokens", "max_tool_hops", "budget", "refusal", "cancelled", "error"] };

interface ChunkSchema {
  description: string;
  data: JsonSchema;
  /** Metadata fields in addition to `historyFields`. A field is optional unless `needed` names it. */
  metadata?: Record<string, JsonSchema>;
  needed?: readonly string[];
}

/** Chunks of live and stored events. The messages with these chunks have `status: "chunk"`. */
const events = (refer: Refer): Record<ChunkType, ChunkSchema> => ({
  text: { description: "A piece of the answer.", data: text },
  reasoning: { description: "A piece of the model's reasoning.", data: text },
  discard: {
    description: "The text since the last usage is void: the answer begins again.",
    data: whole({ reason: text }),
  },
  tool_call: {
    description: "The model wants a tool called; the arguments are its own JSON text.",
    data: whole({ id: text, name: text, arguments: text }),
  },
  tool_progress: {
    description: "The progress of a call.",
    data: whole({ id: text, progress: number }, { total: number, message: text }),
  },
  tool_result: {
    description: "The result of a call.",
    data: whole({ id: text, name: text, is_error: flag, content: list(refer("Content")) }),
  },
  question: { description: "A question to a person.", data: refer("Question") },
  usage: {
    description: "A request to the model has ended, with its tokens.",
    data: refer("Usage"),
    metadata: {
      provider: text,
      model: text,
      finish_reason: { enum: ["stop", "length", "tool_calls", "content_filter", "unknown"] },
      attempts: number,
      interrupted: { const: true },
    },
  },
  compaction: {
    description: "The model gets this summary in place of the turns that had ended at up_to_seq.",
    data: text,
    metadata: { up_to_seq: count, usage: refer("Usage"), provider: text, model: text, attempts: number },
  },
  trim: {
    description: "The model no longer gets the turns that had ended at up_to_seq, because it has no room for them.",
    data: whole({ up_to_seq: count }),
  },
  server_status: {
    description: "The state of a server has changed.",
    data: whole({ server: text, state: serverState }, { reason: text }),
  },
  user_message: {
    description:
      "History: the message that began a turn. data is its text; content is all of it, if it is not one text.",
    data: text,
    metadata: { request_id: text, model: text, content: list(refer("Content")) },
  },
  tool_sent: { description: "History: the call has gone to its server.", data: whole({ id: text }) },
  answer: { description: "History: a question was answered.", data: whole({ question_id: text, value: anything }) },
  catalogue: {
    description: "History: the model is told what servers now offer, and what they no longer offer.",
    data: text,
  },
  state_lost: {
    description:
      "History: the model is told that the state that these servers kept in their processes was lost with another host.",
    data: whole({ servers: list(text) }),
  },
  turn_end: { description: "History: a turn has ended.", data: whole({ stop_reason: stopReason }) },
  turn_error: { description: "History: a turn has failed.", data: whole(error) },
  rewind: { description: "History: turns that began after this seq were taken back.", data: whole({ to_seq: count }) },
  fork: {
    description: "History: the conversation began as a copy.",
    data: whole({ origins: list(text), to_seq: count }),
  },
  title: {
    description: "History: the model has made a title for the conversation. It is empty if the model gave none.",
    data: text,
    metadata: { usage: refer("Usage"), provider: text, model: text, attempts: number },
  },
});

/** Chunks of the list of conversations. */
const lists = (refer: Refer): Record<string, ChunkSchema> => ({
  session: { description: "watch_sessions: a conversation of the list, as it is now.", data: refer("Session") },
  session_deleted: {
    description: "watch_sessions: a conversation was deleted.",
    data: whole({ conversation_id: name }),
  },
});

/** Chunks that end a request that succeeded. The messages with these chunks have `status: "complete"`. */
const ends = (refer: Refer): Record<string, ChunkSchema> => ({
  turn_end: {
    description: "chat, apply_prompt: the turn has ended. data is all of its text.",
    data: text,
    metadata: {
      stop_reason: stopReason,
      usage: refer("Usage"),
      model: text,
      provider: text,
      cached: flag,
      conversation_id: name,
      turn_id: text,
    },
    needed: ["stop_reason", "usage", "model", "provider", "cached", "conversation_id", "turn_id"],
  },
  history_end: {
    description: "history: data is the last seq.",
    data: count,
    metadata: { conversation_id: name, last_seq: count },
    needed: ["conversation_id", "last_seq"],
  },
  session_cleared: {
    description: "clear_session.",
    data: nothing,
    metadata: { new_conversation_id: name },
    needed: ["new_conversation_id"],
  },
  servers: { description: "list_servers.", data: whole({ servers: list(refer("Server")) }) },
  tools: { description: "list_tools.", data: whole({ tools: list(refer("Tool")) }) },
  prompts: { description: "list_prompts.", data: whole({ prompts: list(refer("Prompt")) }) },
  resources: {
    description: "list_resources.",
    data: whole({ resources: list(refer("Resource")), templates: list(refer("ResourceTemplate")) }),
  },
  completion: { description: "complete.", data: whole({ values: list(text) }) },
  resource: { description: "read_resource.", data: whole({ uri: text, content: list(refer("Content")) }) },
  pong: { description: "ping.", data: nothing },
});

export function hostSchemas(refer: Refer): Record<string, JsonSchema> {
  const requestId = optional(name);
  const metadata = { conversation_id: name, provider_info: whole({ provider: text, model: text }) };
  return {
    processing: {
      description: "chat, apply_prompt: the turn is in the log, and who will answer.",
      ...whole({ request_id: name, status: { const: "processing" }, chunk: whole({ metadata: whole(metadata) }) }),
    },
    ...messages("chunk", events(refer), requestId),
    ...messages("chunk", lists(refer), requestId),
    ...messages("complete", ends(refer), requestId),
    error: {
      description:
        "Ends a request that failed. With action, only that message failed: the turn of its request_id continues.",
      ...whole({ request_id: requestId, status: { const: "error" }, chunk: refer("Error") }, { seq: position }),
    },
  };
}

function messages(status: "chunk" | "complete", chunks: Record<string, ChunkSchema>, requestId: JsonSchema) {
  const entries = Object.entries(chunks).map(([type, { description, data, metadata = {}, needed = [] }]) => {
    const facts = object(status === "chunk" ? { ...metadata, ...historyFields } : metadata, needed);
    const more = { metadata: facts };
    const chunk =
      needed.length > 0
        ? whole({ type: { const: type }, data, ...more })
        : whole({ type: { const: type }, data }, more);
    const message = whole({ request_id: requestId, status: { const: status }, chunk }, { seq: count });
    return [`${status}_${type}`, { description, ...message }];
  });
  return Object.fromEntries(entries) as Record<string, JsonSchema>;
}

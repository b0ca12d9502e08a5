/** A conversation as lists show it, on the wire. */
import type { ConversationSummary } from "../../core/chat-store.js";
import type { JsonSchema } from "../../core/messages.js";
import type { ListChange } from "../../session/conversations/list-watch.js";
import type { WireChunk } from "./chunks.js";
import { count, flag, name, number, optional, text, whole } from "./schema-words.js";

export function sessionEntry(conversation: ConversationSummary): object {
  const { conversationId, title, lastSeq, updatedAt, pinned, state, versionOf } = conversation;
  const changed = { last_seq: lastSeq, updated_at: updatedAt };
  return { conversation_id: conversationId, title, ...changed, pinned, state, version_of: versionOf };
}

export function sessionChunk(change: ListChange): WireChunk {
  if ("entry" in change) return { type: "session", data: sessionEntry(change.entry) };
  return { type: "session_deleted", data: { conversation_id: change.deletedId } };
}

export const sessionSchema: JsonSchema = {
  description:
    "A conversation. state is waiting while a question of its turn is open. version_of is the first version of a conversation with versions, of which lists show the one that changed last.",
  ...whole({
    conversation_id: name,
    title: text,
    last_seq: count,
    updated_at: number,
    pinned: flag,
    state: { enum: ["idle", "running", "waiting"] },
    version_of: optional(name),
  }),
};

/** Splits a call into system text, history and new content. The code is the same for every API. */
import type { ContentPart, Message } from "../../../core/messages.js";
import type { DoorParts } from "../../shared/door.js";
import { ApiError } from "../shared/api-errors.js";
import type { LoggedTurns } from "./logged-turns.js";
import { withOpenResults } from "./sent-results.js";

export interface Said {
  /** System text of the call. Undefined if the configured system text applies. */
  system?: string;
  history: Message[];
  /** Ids of the stored results of those turns in `history` that were found in the log. */
  resultIds?: string[] | undefined;
  /** New content of the user. Empty if the last message is not the user's, but a tool result or an answer to continue. */
  content: ContentPart[];
  /** Number of the event that the call continues: it is refused if another message has followed that event. */
  continues?: number;
}

/** Conversation that a call continues, if any, and the id of the call, if it has one. */
interface Conversation {
  conversationId?: string | undefined;
  requestId?: string | undefined;
}

export function asSaid(all: readonly Message[]): Said {
  const bodyAt = all.findIndex(({ role }) => role !== "system");
  const head = bodyAt < 0 ? all : all.slice(0, bodyAt);
  const body = all.slice(head.length);
  const nowAt = body.findLastIndex(({ role }) => role !== "user") + 1;
  const system = head.flatMap((message) => (message.role === "system" ? [message.content] : []));
  return {
    ...(system.length > 0 ? { system: system.join("\n\n") } : {}),
    history: body.slice(0, nowAt),
    content: body.slice(nowAt).flatMap((message) => (message.role === "user" ? message.content : [])),
  };
}

/**
 * Splits the messages of a call. If the call has no conversation id, earlier answers in `messages` must already be replaced by the answers
 * in the log. Throws ApiError.
 */
export async function saidIn(
  parts: Pick<DoorParts, "sessions">,
  messages: readonly Message[],
  { ids: { conversationId, requestId }, turns }: { ids: Conversation; turns: LoggedTurns },
): Promise<Said> {
  const said = asSaid(messages);
  if (conversationId === undefined) {
    return { ...said, history: turns.withModelIds(said.history), resultIds: turns.resultIds };
  }
  const body = messages.slice(messages.findIndex(({ role }) => role !== "system"));
  const since = await saidSince(parts, sinceLastAnswer(body), { conversationId, requestId });
  return said.system === undefined ? since : { ...since, system: said.system };
}

/**
 * Returns the new part of a call that continues a conversation of the log. `content` is what the user says. `history` holds the results of
 * the caller's tools and the instructions. Throws ApiError.
 */
export async function saidSince(
  { sessions }: Pick<DoorParts, "sessions">,
  messages: readonly Message[],
  { conversationId, requestId }: Conversation & { conversationId: string },
): Promise<Omit<Said, "system">> {
  const content = messages.flatMap((message) => (message.role === "user" ? message.content : []));
  const results = messages.filter(({ role }) => role === "tool");
  if (content.length + results.length === 0) {
    const text = "in a conversation of the host the last message is the user's, or a tool's";
    throw new ApiError(400, "invalid_body", text, "messages");
  }
  const instructions = messages.filter(({ role }) => role === "system");
  if (results.length === 0) return { content, history: instructions };
  const events = await sessions.history(conversationId);
  const { messages: ordered, continues } = withOpenResults(messages, { events, requestId });
  const open = ordered.filter(({ role }) => role === "tool");
  return { content, history: [...open, ...instructions], ...(continues === undefined ? {} : { continues }) };
}

export function sinceLastAnswer<Said extends { role: string }>(messages: readonly Said[]): Said[] {
  return messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
}

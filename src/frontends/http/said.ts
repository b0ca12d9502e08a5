/** What a call says, whichever API it is made to. */
import type { ContentPart, Message } from "../../core/chat.js";
import type { DoorParts } from "../door.js";
import { ApiError } from "./errors.js";
import { withResultsFirst, withToldIds } from "./told-turns.js";

/** What a call says: how the host is to be, what was said before, and what is said now. */
export interface Said {
  /** Undefined: as configured. */
  system?: string;
  history: Message[];
  /** Empty when the last word is not the user's: a tool's result, or an answer to go on with. */
  content: ContentPart[];
}

/** Parts what a caller says into what it is to the host. */
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
 * Parts the messages of a call, with the turns that they refer to as the log has them. What a conversation of the host was about is in its
 * log: what comes after the last answer counts then, results of the caller's tools and words of its user. Throws ApiError.
 */
export async function saidIn(
  { sessions }: Pick<DoorParts, "sessions">,
  messages: readonly Message[],
  { conversationId }: { conversationId?: string },
): Promise<Said> {
  if (conversationId === undefined) {
    const said = asSaid(messages);
    return { ...said, history: withToldIds(said.history) };
  }
  const { system, content } = asSaid(messages);
  const latest = sinceLastAnswer(messages);
  const results = latest.filter(({ role }) => role === "tool");
  if (content.length + results.length === 0) {
    const text = "in a conversation of the host the last message is the user's, or a tool's";
    throw new ApiError(400, "invalid_body", text, "messages");
  }
  const said = system === undefined ? { content } : { content, system };
  if (results.length === 0) return { ...said, history: [] };
  const events = await sessions.history(conversationId);
  return { ...said, history: withResultsFirst(results, { conversationId, events }) };
}

/** The messages after the last one of the assistant. */
export function sinceLastAnswer<Said extends { role: string }>(messages: readonly Said[]): Said[] {
  return messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
}

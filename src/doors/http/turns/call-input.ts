/** Splits the input of an API call into system text, history and new content. The code is the same for every API. */
import type { ContentPart, Message } from "../../../core/messages.js";
import type { DoorParts } from "../../shared/door.js";
import { ApiError } from "../shared/api-errors.js";
import type { CallContext } from "./call-headers.js";
import type { LoggedTurns } from "./logged-turns.js";
import { withResultsOfOpenCalls } from "./sent-results.js";

export interface CallInput {
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

/** Splits messages that are a whole conversation. */
export function splitMessages(messages: readonly Message[]): CallInput {
  const { system, body } = splitHead(messages);
  const newAt = body.findLastIndex(({ role }) => role !== "user") + 1;
  return {
    ...(system === undefined ? {} : { system }),
    history: body.slice(0, newAt),
    content: userContent(body.slice(newAt)),
  };
}

/**
 * Splits the messages of a call. If the call has no conversation id, earlier answers in `messages` must already be replaced by the answers
 * in the log. Throws ApiError.
 */
export async function callInputOf(
  parts: Pick<DoorParts, "sessions">,
  messages: readonly Message[],
  { context: { conversationId, requestId }, turns }: { context: CallContext; turns: LoggedTurns },
): Promise<CallInput> {
  if (conversationId === undefined) {
    const input = splitMessages(messages);
    return { ...input, history: turns.withModelIds(input.history), resultIds: turns.resultIds };
  }
  const { system, body } = splitHead(messages);
  const input = await newInputOf(parts, sinceLastAnswer(body), { conversationId, requestId });
  return system === undefined ? input : { ...input, system };
}

/**
 * Returns the new part of a call that continues a conversation of the log. `content` is what the user says. `history` holds the results of
 * the caller's tools and the instructions. Throws ApiError.
 */
export async function newInputOf(
  { sessions }: Pick<DoorParts, "sessions">,
  messages: readonly Message[],
  { conversationId, requestId }: CallContext & { conversationId: string },
): Promise<Omit<CallInput, "system">> {
  const content = userContent(messages);
  const results = messages.filter(({ role }) => role === "tool");
  if (content.length + results.length === 0) {
    const text = "in a conversation of the host the last message is the user's, or a tool's";
    throw new ApiError(400, "invalid_body", text, "messages");
  }
  const instructions = messages.filter(({ role }) => role === "system");
  if (results.length === 0) return { content, history: instructions };
  const events = await sessions.history(conversationId);
  const { messages: ordered, continues } = withResultsOfOpenCalls(messages, { events, requestId });
  const open = ordered.filter(({ role }) => role === "tool");
  return { content, history: [...open, ...instructions], ...(continues === undefined ? {} : { continues }) };
}

export function sinceLastAnswer<M extends { role: string }>(messages: readonly M[]): M[] {
  return messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
}

/** Splits off the system messages at the beginning. `system` is their text, undefined if there are none. */
function splitHead(messages: readonly Message[]): { system: string | undefined; body: readonly Message[] } {
  const bodyAt = messages.findIndex(({ role }) => role !== "system");
  const head = bodyAt < 0 ? messages : messages.slice(0, bodyAt);
  const texts = head.flatMap((message) => (message.role === "system" ? [message.content] : []));
  return { system: texts.length > 0 ? texts.join("\n\n") : undefined, body: messages.slice(head.length) };
}

function userContent(messages: readonly Message[]): ContentPart[] {
  return messages.flatMap((message) => (message.role === "user" ? message.content : []));
}

/** The conversation that a call of `/v1/responses` continues. */
import { RequestError } from "../../../core/errors.js";
import type { StoredEvent } from "../../../core/events.js";
import { isOfSingleCall, singleCallPrefix } from "../../../core/ids.js";
import type { DoorParts } from "../../shared/door.js";
import { ownConversation } from "../../shared/own-conversation.js";
import { ApiError } from "../shared/api-errors.js";
import { type ApiTurn, promptCacheNameOf } from "../turns/api-turn.js";
import { type CallContext, requireId } from "../turns/call-headers.js";
import { type TurnKey, turnKeyOfResponse } from "../turns/turn-ids.js";

export interface ConversationFields {
  previous_response_id?: string | null;
  conversation?: string | { id: string } | null;
}

/** The conversation that a call continues, or a new one. */
export interface Continued {
  context: CallContext;
  events: readonly StoredEvent[];
  /** Number of the last event of the previous response, if that response is the last one of its conversation. See `CallInput`. */
  continues?: number;
  /** Makes a copy of the conversation. Used if another call continues the same response before this one. */
  copied?: () => Promise<Continued>;
}

/**
 * Returns the conversation that a call continues. If the previous response is not the last of its conversation, the call continues a copy
 * of the conversation. The copy ends with the previous response.
 */
export async function conversationOf(
  parts: DoorParts,
  body: ConversationFields,
  context: CallContext,
): Promise<Continued> {
  const previous = body.previous_response_id ?? undefined;
  const named = conversationIdIn(body);
  const given = [previous, named, context.conversationId].filter((name) => name !== undefined);
  if (given.length > 1) {
    const text = "previous_response_id, conversation and X-Conversation-Id each name a conversation: give one of them";
    throw new ApiError(400, "invalid_body", text, "previous_response_id");
  }
  if (previous !== undefined) return afterResponse(parts, previous, context);
  const conversationId = named ?? context.conversationId;
  if (conversationId === undefined) return { context, events: [] };
  return { context: { ...context, conversationId }, events: await parts.sessions.history(conversationId) };
}

/** Returns the conversation id in the field `conversation`. Throws ApiError if the id is invalid. */
export function conversationIdIn({ conversation }: ConversationFields): string | undefined {
  const id = typeof conversation === "object" ? conversation?.id : conversation;
  return id === undefined ? undefined : requireId(id, "conversation");
}

async function afterResponse(parts: DoorParts, previous: string, context: CallContext): Promise<Continued> {
  const turnKey = turnKeyOfResponse(previous);
  const events = turnKey ? await parts.sessions.history(turnKey.conversationId) : [];
  const end = events.findLast(({ turnId }) => turnId === turnKey?.turnId);
  if (!turnKey || !end) throw notFound(previous, "not found");
  if (isTakenBack(events, turnKey, end)) throw notFound(previous, "was taken back in its conversation");
  const requests = events.filter((event) => event.type === "user_message");
  const [first] = requests;
  const continued = { ...context, ...(first && { promptCacheName: promptCacheNameOf(first) }) };
  const here = { context: { ...continued, conversationId: turnKey.conversationId }, events };
  const copied = async () => {
    const to = await copyUntil(parts, turnKey, context.requestId);
    return { context: { ...continued, conversationId: to }, events: await parts.sessions.history(to) };
  };
  if (requests.at(-1)?.turnId === turnKey.turnId) return { ...here, continues: end.seq, copied };
  const isRepeated =
    context.requestId !== undefined && requests.some(({ requestId }) => requestId === context.requestId);
  return isRepeated ? here : copied();
}

function notFound(response: string, what: string): ApiError {
  const text = `Previous response with id '${response.slice(0, 200)}' ${what}.`;
  return new ApiError(404, "previous_response_not_found", text, "previous_response_id");
}

/** Returns true if a rewind has removed the turn, whose last event is `end`. */
function isTakenBack(events: readonly StoredEvent[], { turnId }: TurnKey, end: StoredEvent): boolean {
  const begin = events.find((event) => event.turnId === turnId) ?? end;
  return events.some((event) => event.type === "rewind" && event.seq > end.seq && begin.seq > event.toSeq);
}

/**
 * Makes a copy of the conversation that ends with the turn. Resolves with the id of the copy. A repetition of a call with a request id gets the
 * same copy. Rejects with RequestError `busy` if the turn has not ended.
 */
async function copyUntil(parts: DoorParts, turnKey: TurnKey, requestId: string | undefined): Promise<string> {
  const prefix = isOfSingleCall(turnKey.conversationId) ? singleCallPrefix : undefined;
  const to = ownConversation(requestId, turnKey, { newId: parts.newId, prefix });
  const isThere = async () => (await parts.sessions.history(to)).length > 0;
  if (await isThere()) return to;
  await parts.sessions.conversations
    .fork(turnKey.conversationId, { to, lastTurnId: turnKey.turnId })
    .catch(async (error: unknown) => {
      if (!(await isThere())) throw error; // otherwise a repetition of this call has made the copy
    });
  return to;
}

/** Starts the turn. If another call has continued the same response before, the turn continues a copy of the conversation. */
export async function startOrCopy(
  conversation: Continued,
  start: (continued: Continued) => Promise<ApiTurn>,
): Promise<ApiTurn> {
  try {
    return await start(conversation);
  } catch (error) {
    const isOvertaken = error instanceof RequestError && error.kind === "busy";
    if (!isOvertaken || !conversation.copied) throw error;
    return start(await conversation.copied());
  }
}

/**
 * Routes for conversations. Turns are begun, answered and cancelled as with messages on `/ws/chat`, and their events are the same messages
 * as there.
 */

import { errorInfo } from "../../../core/errors.js";
import { addAll } from "../../../core/lists/long-lists.js";
import type { Effort } from "../../../core/messages.js";
import type { Session } from "../../../session/session.js";
import { conversationEvents } from "../../protocol/conversation-events.js";
import { errorMessage, followedMessages, historyMessages, type WireMessage } from "../../protocol/protocol.js";
import type { DoorParts } from "../../shared/door.js";
import { requireSeen, type SeenEvent } from "../../shared/seen-event.js";
import { readSentContent } from "../../shared/sent-content.js";
import type { SentPart } from "../../shared/sent-part.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { answerBody, cancelBody, message, messageList, turnBody } from "../shared/api-schemas.js";
import { eventStream } from "../shared/event-stream.js";
import { listText, streamed } from "../shared/streamed-text.js";
import { traceIn } from "../turns/call-headers.js";
import { limitIn, limitText } from "./list-page.js";

export function sessionRoutes(parts: DoorParts, { keepAliveMs }: { keepAliveMs: number }): ApiRoute[] {
  const { sessions } = parts;
  return [
    {
      method: "GET",
      path: "/api/sessions/{id}",
      summary: "A conversation's stored events, as the messages of the action history",
      query: historyQuery,
      answer: { type: "application/json", schema: messageList },
      run: (call) => history(parts, call),
    },
    {
      method: "GET",
      path: "/api/sessions/{id}/events",
      summary: "The same as server-sent events, followed by new events as they happen",
      query: { from: "the first seq" },
      headers: { "Last-Event-ID": "continues after this seq" },
      answer: { type: "text/event-stream", schema: message },
      async run(call) {
        const session = sessions.open(await knownConversation(parts, call));
        const lastSeen = seqIn(call.header("last-event-id"), "last-event-id");
        return follow(session, lastSeen ? lastSeen + 1 : (position(call, "from") ?? 1), keepAliveMs);
      },
    },
    {
      method: "POST",
      path: "/api/sessions/{id}/turns",
      summary: "Begins a turn; a request_id is answered once. Watch it at …/events",
      body: turnBody,
      run: (call) => beginTurn(parts, call),
    },
    {
      method: "POST",
      path: "/api/sessions/{id}/answer",
      summary: "Answers an open question",
      body: answerBody,
      async run(call) {
        const { question_id, value } = call.body as { question_id: string; value: unknown };
        return done(await sessions.answer(call.path("id"), question_id, value), `no question "${question_id}" is open`);
      },
    },
    {
      method: "POST",
      path: "/api/sessions/{id}/cancel",
      summary: "Cancels the turn of a request, or every running turn of the conversation",
      body: cancelBody,
      async run(call) {
        const { request_id } = call.body as { request_id?: string };
        return done(await sessions.cancel(call.path("id"), request_id), "no such turn is running");
      },
    },
  ];
}

const historyQuery = {
  from: "the first seq; the events from there on are streamed",
  limit: `a page: the last events, at most this many, ${limitText}`,
  before: "a page: the last events with a smaller seq. The address of the page before is previous in each page",
};

/** Answers with a page from the end or, if the call asks for no page, with all events from `from` on. */
async function history(parts: DoorParts, call: ApiCall): Promise<Response> {
  const conversationId = await knownConversation(parts, call);
  const [start, before, limit] = [position(call, "from"), position(call, "before"), call.query("limit")];
  if (before === undefined && limit === undefined) {
    const from = start ?? 1;
    const pages = parts.sessions.pages(conversationId, from);
    const all = historyMessages(pages, { requestId: null, conversationId, from });
    return streamed("application/json", listText("messages", all));
  }
  if (start !== undefined) {
    throw new ApiError(400, "invalid_position", "from cannot be combined with limit or before", "from");
  }
  const most = limitIn(limit);
  const events = await parts.sessions.historyBefore(conversationId, before ?? Number.MAX_SAFE_INTEGER, most);
  const from = events[0]?.seq ?? 1;
  const messages: WireMessage[] = [];
  for await (const page of historyMessages([events], { requestId: null, conversationId, from })) addAll(messages, page);
  const previous = from > 1 ? `${pathOf(conversationId)}?before=${from}&limit=${most}` : null;
  return Response.json({ messages, previous });
}

function pathOf(conversationId: string): string {
  return `/api/sessions/${encodeURIComponent(conversationId)}`;
}

interface TurnBody {
  request_id: string;
  text?: string | null;
  content?: SentPart[] | null;
  model?: string;
  streaming?: boolean | null;
  temperature?: number | null;
  effort?: Effort | null;
  system?: string | null;
  without_tools?: string[] | null;
  seen?: SeenEvent | null;
}

async function beginTurn(parts: DoorParts, call: ApiCall): Promise<Response> {
  const body = call.body as TurnBody;
  const answering = parts.resolveModel(body.model);
  const { text, content } = body;
  const sent = content ? readSentContent(content, answering) : undefined;
  await requireSeen(parts.sessions, call.path("id"), body.seen);
  const session = parts.sessions.open(call.path("id"));
  const turn = await session.submit({
    requestId: body.request_id,
    text: text ?? undefined,
    content: sent,
    model: body.model,
    streaming: body.streaming ?? undefined,
    temperature: body.temperature ?? undefined,
    effort: body.effort ?? undefined,
    system: body.system ?? undefined,
    deny: body.without_tools ?? undefined,
    streamRecovery: "restart",
    isTitled: true,
    trace: traceIn(call.header),
  });
  const { requestId, turnId, cached } = turn;
  const accepted = { conversation_id: session.id, request_id: requestId, turn_id: turnId, cached };
  return Response.json(accepted, { status: 202 });
}

function follow(session: Session, from: number, keepAliveMs: number): Response {
  return eventStream(
    async ({ write, gone }) => {
      try {
        for await (const event of conversationEvents(session, from, gone)) {
          const messages = followedMessages(event);
          // Only the last message of an event has the id: a client that is cut before it gets the whole event again.
          for (const data of messages.slice(0, -1)) await write({ data });
          for (const data of messages.slice(-1)) await write({ id: data.seq, data });
        }
      } catch (error) {
        await write({ data: errorMessage(null, errorInfo(error)) });
      }
    },
    { keepAliveMs },
  );
}

/**
 * Returns the id of the conversation that a call names. Throws ApiError if the conversation does not exist. Without this check, reading
 * would create the conversation.
 */
async function knownConversation({ sessions }: DoorParts, call: ApiCall): Promise<string> {
  const conversationId = call.path("id");
  if (sessions.find(conversationId) || (await sessions.history(conversationId, 1, 1)).length > 0) return conversationId;
  throw new ApiError(404, "not_found", "there is no such conversation", "id");
}

function position(call: ApiCall, name: "from" | "before"): number | undefined {
  return seqIn(call.query(name), name);
}

function seqIn(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ApiError(400, "invalid_position", "a seq is a whole number", name);
}

function done(isDone: boolean, otherwise: string): Response {
  if (isDone) return new Response(null, { status: 204 });
  throw new ApiError(404, "nothing_to_do", `${otherwise}; it may have ended`);
}

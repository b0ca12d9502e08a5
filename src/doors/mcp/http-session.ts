/** The session of one MCP client over HTTP: passes its requests to the SDK's transport. */
import { setImmediate as nextTick } from "node:timers/promises";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  CancelledNotificationSchema,
  ErrorCode,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { errorInfo } from "../../core/errors.js";
import type { TurnCancels } from "./mcp-parts.js";
import type { SessionEvents } from "./stream-events.js";

export interface McpSession {
  server: Server;
  transport: WebStandardStreamableHTTPServerTransport;
  events: SessionEvents;
  cancels: TurnCancels;
  protocolVersion: string;
  /** Numbers of the open streams: of all, and of those for messages that belong to no request (GET). */
  streams: { all: number; listening: number };
  /** Time of the last use, in ms of `performance.now()`. */
  usedAt: number;
}

export interface ReceivedBody {
  /** The body as JSON. Undefined if there is no body, or if it was refused. */
  message: unknown;
  chars: number;
}

/** Error code for a cancelled request. The code comes from the Language Server Protocol, and other implementations of MCP use it too. */
const requestCancelled = -32800;

/**
 * Passes a request to the transport and returns its response. The transport keeps one stream for each request id until the request is
 * answered. So a request whose id is still in use is refused, and a cancelled request is answered with an error: at once, or a `chat` call when
 * the log has its cancellation. `chars` is the size of the message.
 */
export async function receivedMessages(
  session: McpSession,
  request: Request,
  { message, chars }: ReceivedBody,
): Promise<Response> {
  const { transport, events } = session;
  const messages = [message].flat();
  const ids = messages.filter(isJSONRPCRequest).map(({ id }) => id);
  if (new Set(ids).size < ids.length || ids.some((id) => events.isUnanswered(id))) {
    return refusal(400, -32600, "a request with this id has not been answered yet");
  }
  if (!events.asked(ids, chars)) {
    return refusal(503, -32000, "the calls that run on this host are too large together", { "retry-after": "5" });
  }
  const response = await transport.handleRequest(request, message === undefined ? {} : { parsedBody: message });
  if (!response.ok) for (const id of ids) events.answered(id);
  for (const { requestId } of messages.flatMap(cancelled)) {
    if (requestId !== undefined && events.isUnanswered(requestId)) void answerCancelled(session, requestId);
  }
  return response;
}

async function answerCancelled({ transport, events, cancels }: McpSession, requestId: RequestId): Promise<void> {
  await nextTick(); // by then, the SDK has told the handler of the request
  const error = await (cancels.get(requestId) ?? Promise.resolve()).then(
    () => ({ code: requestCancelled, message: "cancelled" }),
    (reason: unknown) => ({ code: ErrorCode.InternalError, message: `not cancelled: ${errorInfo(reason).message}` }),
  );
  if (!events.isUnanswered(requestId)) return;
  await transport.send({ jsonrpc: "2.0", id: requestId, error }).catch(() => {}); // sending fails if the request was answered meanwhile
}

function cancelled(message: unknown): { requestId?: RequestId }[] {
  const { success, data } = CancelledNotificationSchema.safeParse(message);
  return success ? [data.params] : [];
}

/**
 * Returns a response with the missed events if the stream has ended with an answer, or a 400 if the event is unknown. Returns undefined if
 * the stream is still open: the transport then resumes the stream.
 */
export function replayed({ events, transport }: McpSession, lastEventId: string): Response | undefined {
  const rest = events.since(lastEventId);
  if (!rest) return refusal(400, -32000, "this event is no longer known");
  const last = JSON.parse(rest.events.at(-1)?.[1] ?? "{}");
  if (!isJSONRPCResultResponse(last) && !isJSONRPCErrorResponse(last)) return undefined;
  const text = rest.events.map(([id, data]) => `event: message\nid: ${id}\ndata: ${data}\n\n`).join("");
  const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  return new Response(text, { headers: { ...headers, "mcp-session-id": transport.sessionId ?? "" } });
}

export function refusal(status: number, code: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status, headers });
}

import type { CallToolResult, Tool } from "@modelcontextprotocol/sdk/types.js";
import { errorInfo } from "../../core/errors.js";
import type { StoredEvent, TurnEvent } from "../../core/events.js";
import { type CarriedTrace, carriedTrace } from "../../core/trace-context.js";
import type { Session } from "../../session/session.js";
import { summarizeTurn } from "../../session/shared/summary.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { loggedLimitFailure } from "../shared/limit-failure.js";
import { ownConversation } from "../shared/own-conversation.js";
import { askClient, type Extra, until } from "./ask-client.js";
import type { McpConnectionParts } from "./mcp-parts.js";

export const chatTool: Tool = {
  name: "chat",
  description:
    "Asks an assistant that has a model and MCP servers of its own. Give conversation_id of an earlier result to go on with it.",
  inputSchema: {
    type: "object",
    properties: {
      prompt: { type: "string", description: "What is asked." },
      conversation_id: { type: "string", description: "Default: a new conversation." },
      request_id: {
        type: "string",
        description:
          "Of the caller's choice. The same call under the same id again is not run again: it gets the same answer.",
      },
      model: { type: "string", description: "model of the active provider, or provider/model." },
    },
    required: ["prompt"],
    additionalProperties: false,
  },
  outputSchema: {
    type: "object",
    properties: {
      text: { type: "string" },
      conversation_id: { type: "string" },
      stop_reason: { type: "string" },
    },
    required: ["text", "conversation_id", "stop_reason"],
  },
};

/** Runs one turn and resolves with its answer. Never rejects: an error becomes an error result. */
export async function chat(
  args: Record<string, unknown>,
  extra: Extra,
  parts: McpConnectionParts,
): Promise<CallToolResult> {
  const wrong = Object.keys(args).find((name) => typeof args[name] !== "string");
  if (wrong) return failed(`${wrong} has to be a text`);
  const { prompt, conversation_id, request_id, model } = given(args as Record<string, string>);
  if (prompt === undefined) return failed("chat needs a prompt");
  const { host, server } = parts;
  const session = host.sessions.open(conversation_id ?? ownConversation(request_id, { prompt, model }, host));
  const requestId = request_id ?? host.newId("req");
  // A client that has disconnected may fetch the answer later with its request id. A client that has cancelled the call may not fetch it.
  const mayReturn = () => request_id !== undefined && server.transport === undefined;
  const cancel = () => {
    if (mayReturn()) return;
    const stored = session.control.cancelAnywhere(requestId);
    parts.cancels.set(extra.requestId, stored);
    stored.catch(() => {}); // `answerCancelled` tells the client
  };
  // Deferred, because `cancel` checks the transport: when the SDK loses a client, it aborts the client's requests before it unsets the
  // transport.
  const onAbort = () => queueMicrotask(cancel);
  extra.signal.addEventListener("abort", onAbort);
  try {
    await session.abandoned.requireModel(model);
    const endsWithCaller = request_id === undefined;
    const trace = traceOfCall(extra);
    const turn = await session.submit({
      requestId,
      text: prompt,
      model,
      trace,
      endsWithCaller,
      streamRecovery: "restart",
      ...host.given,
    });
    const answer = (questionId: string, value: unknown) => {
      if (!mayReturn()) session.answer(questionId, value);
    };
    const events = await follow(turn, { session, answer, extra }, parts);
    const { text, stopReason = "error", error } = summarizeTurn(events);
    const mayRunAgain = endsWithCaller && events.some(({ type }) => type === "tool_sent");
    if (error && mayRunAgain) return failed(`${error.message}. ${runAgain}`);
    if (error) return failed(error.hint ? `${error.message} (${error.hint})` : error.message);
    const limit = loggedLimitFailure(events, { turn, observe: host.observe });
    if (limit) return failed(limit.message);
    if (stopReason === "cancelled" && turn.closingError) return failed(turn.closingError.message);
    const structuredContent = { text, conversation_id: session.id, stop_reason: stopReason };
    return { content: [{ type: "text", text }], structuredContent };
  } catch (error) {
    const { kind, message, hint } = errorInfo(error);
    return failed(kind === "overloaded" ? `${message} (${hint})` : message);
  } finally {
    extra.signal.removeEventListener("abort", onAbort);
    parts.cancels.delete(extra.requestId);
  }
}

const runAgain =
  "Tools have run in this call, and a repetition would run them again; a call that has a request_id from the first attempt on continues where it stopped.";

/** Returns the trace of a call: from `_meta`, as the protocol defines, or otherwise from the headers. */
export function traceOfCall({
  _meta = {},
  requestInfo,
}: Pick<Extra, "_meta" | "requestInfo">): CarriedTrace | undefined {
  const { traceparent, tracestate } = requestInfo?.headers ?? {};
  return carriedTrace(_meta.traceparent, _meta.tracestate) ?? carriedTrace(traceparent, tracestate);
}

/** Removes empty arguments, since some models fill in every argument. */
function given(args: Record<string, string>): Partial<Record<string, string>> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== ""));
}

/** Asks the client the turn's questions and sends it the progress. Resolves with the stored events when the turn has ended. */
async function follow(
  turn: LiveTurn,
  { session, answer, extra }: { session: Session; answer: (questionId: string, value: unknown) => void; extra: Extra },
  { server, asked }: McpConnectionParts,
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  const progressToken = extra._meta?.progressToken;
  let progress = 0;
  const dialogs = new Map<string, AbortController>();
  /** Settles when the client has answered all questions so far. It gets one at a time, because many clients show only the latest. */
  let answered = Promise.resolve();
  for await (const event of turn.watch()) {
    if ("seq" in event) events.push(event);
    if (session.questions.isAsking(event) && !asked.has(event.questionId)) {
      const { questionId } = event;
      asked.add(questionId);
      const dialog = new AbortController();
      dialogs.set(questionId, dialog);
      const client = until(dialog.signal, extra);
      answered = answered.then(async () => {
        if (dialog.signal.aborted) return;
        answer(questionId, await askClient(event.question, client, server.getClientCapabilities()));
      });
    }
    if (event.type === "answer") {
      asked.delete(event.questionId);
      dialogs.get(event.questionId)?.abort(); // it may be the answer of somebody else
    }
    const message = progressOf(event);
    if (message === undefined || progressToken === undefined || extra.signal.aborted) continue;
    const params = { progressToken, progress: ++progress, message };
    await extra.sendNotification({ method: "notifications/progress", params });
  }
  return events;
}

function progressOf(event: TurnEvent): string | undefined {
  switch (event.type) {
    case "text_delta":
      return event.delta;
    case "tool_call":
      return `> ${event.call.name}`;
    case "tool_result":
      return `${event.isError ? "failed" : "done"}: ${event.name}`;
    case "tool_progress":
      return event.message ?? `${event.progress}${event.total === undefined ? "" : `/${event.total}`}`;
    default:
      return undefined;
  }
}

function failed(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

import { Fields, Problem, parseJson, required } from "./fields.js";

/** What a client may send, design "One message protocol, two wires". */
export type ClientMessage = { requestId: string; conversationId?: string } & (
  | { action: "chat"; text: string; streaming?: boolean; model?: string; interrupt?: boolean }
  | { action: "answer"; questionId: string; value: unknown }
  | { action: "cancel" | "clear_session" | "ping" }
);

/** The one message that needs no request id: it starts nothing. */
export interface HistoryMessage {
  action: "history";
  requestId?: string;
  conversationId?: string;
  /** The first `seq` wanted. */
  from: number;
}

/** A line that is not a message. `requestId` where it could be read, so that the sender knows which one. */
export interface BadMessage {
  problem: string;
  requestId?: string;
}

/** Fields that a message does not have are ignored: a newer client may know more. */
export function parseMessage(line: string): ClientMessage | HistoryMessage | BadMessage {
  let requestId: string | undefined;
  try {
    const message = new Fields(parseJson(line), "");
    requestId = message.text("request_id");
    return readMessage(message, requestId);
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message, requestId };
    throw error;
  }
}

function readMessage(message: Fields, requestId: string | undefined): ClientMessage | HistoryMessage {
  const action = message.text("action");
  const conversationId = message.text("conversation_id");
  const payload = message.fields("payload");
  if (action === "history") {
    return { action, requestId, conversationId, from: payload.position("from") ?? 1 };
  }
  const base = { requestId: required(requestId, "request_id"), conversationId };
  switch (action) {
    case "chat":
      return {
        ...base,
        action,
        text: required(payload.text("text"), "payload.text"),
        streaming: payload.boolean("streaming"),
        model: payload.text("model"),
        interrupt: payload.boolean("interrupt"),
      };
    case "answer":
      return {
        ...base,
        action,
        questionId: required(payload.text("question_id"), "payload.question_id"),
        value: required(payload.any("value"), "payload.value"),
      };
    case "cancel":
    case "clear_session":
    case "ping":
      return { ...base, action };
    case undefined:
      throw new Problem(`"action" is missing; ${actionsHint}`);
    default:
      throw new Problem(`unknown action ${JSON.stringify(action.slice(0, 40))}; ${actionsHint}`);
  }
}

const actionsHint = "use chat, answer, cancel, clear_session, history or ping";

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

class Problem extends Error {}

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

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Problem(`not JSON: ${error instanceof Error ? error.message : "it does not parse"}`);
  }
}

function required<T>(value: T | undefined, path: string): T {
  if (value === undefined) throw new Problem(`"${path}" is missing`);
  return value;
}

/** Optional fields of one object, checked as they are read. `null` counts as absent. */
class Fields {
  readonly #values: Map<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Problem(path ? `"${path.slice(0, -1)}" must be an object` : "a message must be a JSON object");
    }
    this.#values = new Map(Object.entries(value));
    this.#path = path;
  }

  any(name: string): unknown {
    return this.#values.get(name);
  }

  text(name: string): string | undefined {
    const value = this.any(name) ?? undefined;
    if (value === undefined || (typeof value === "string" && value !== "")) return value;
    throw new Problem(`"${this.#path}${name}" must be a non-empty string`);
  }

  boolean(name: string): boolean | undefined {
    const value = this.any(name) ?? undefined;
    if (value === undefined || typeof value === "boolean") return value;
    throw new Problem(`"${this.#path}${name}" must be true or false`);
  }

  position(name: string): number | undefined {
    const value = this.any(name) ?? undefined;
    if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= 1)) return value;
    throw new Problem(`"${this.#path}${name}" must be a whole number from 1`);
  }

  fields(name: string): Fields {
    return new Fields(this.any(name) ?? {}, `${this.#path}${name}.`);
  }
}

/**
 * A call of OpenAI's or Anthropic's API as a turn: stored in the log, run by the same loop, under the same policy and limits as any other.
 * A call without a conversation id gets a conversation of its own, whose first event holds the history that the call sent.
 */
import { createHash } from "node:crypto";
import type { OutputFormat, ToolChoice, ToolDefinition, UserMessageEvent } from "../../core/chat.js";
import { messageOf } from "../../core/errors.js";
import { singleCallPrefix } from "../../core/ids.js";
import { type CarriedTrace, carriedTrace } from "../../core/trace-context.js";
import type { LiveTurn } from "../../session/live-turn.js";
import type { Session } from "../../session/session.js";
import type { TurnOptions } from "../../session/turn-options.js";
import type { DoorParts } from "../door.js";
import { ownConversation } from "../own-conversation.js";
import { ApiError } from "./errors.js";
import type { Said } from "./said.js";

export interface TurnCall extends Said {
  /** Undefined: the configured model. */
  model?: string;
  streaming?: boolean;
  temperature?: number;
  maxTokens?: number;
  callerTools: readonly ToolDefinition[];
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
  /** Undefined if any text is valid. */
  output?: OutputFormat;
  /** True if the servers' tools are not offered. */
  withoutTools: boolean;
  /** Patterns of the servers' tools that are offered; undefined: all. */
  only?: readonly string[];
  /** True if nobody continues the conversation that a call without a conversation id gets. */
  isSingle: boolean;
  /** Fields of the call that the log keeps for later readers of its answer. */
  asked?: object;
}

/** Model names that stand for the configured model, with and without the servers' tools. */
export const defaultModel = "mcp-platform";
export const plainModel = "mcp-platform/plain";

/** Returns the model that a caller's name stands for. `isPlain`: without the servers' tools. */
export function askedModel(name: string | null | undefined, plainModels: readonly string[]) {
  const isDefault = name === defaultModel || name === plainModel;
  const isPlain = typeof name === "string" && (name === plainModel || plainModels.includes(name));
  return { model: isDefault ? undefined : (name ?? undefined), isPlain };
}

export interface CallIds {
  conversationId?: string;
  /** `TurnOptions.dialogue` of a conversation that began with a call without a conversation id. */
  dialogue?: string;
  requestId?: string;
  trace?: CarriedTrace;
}

export interface DoorTurn {
  turn: LiveTurn;
  session: Session;
  model: { provider: string; model: string };
  /** Response headers by which the caller can find the turn in the log. */
  headers: Record<string, string>;
  /** True if the same call, sent again, continues this turn and does nothing twice. */
  isRepeatable: boolean;
  /** True if the answer is one JSON value. */
  isStructured: boolean;
  /** Cancels the turn of a caller that has disconnected, unless a request id lets the caller ask for the answer again. */
  abandon(): void;
}

export function idsOf(header: (name: string) => string | undefined): CallIds {
  const trace = traceIn(header);
  // A proxy may have set X-Request-Id. Idempotency-Key always comes from the caller.
  const requestId = idIn(header, "idempotency-key") ?? idIn(header, "x-request-id");
  return { conversationId: idIn(header, "x-conversation-id"), requestId, trace };
}

/** Returns the trace that the caller's request is part of. https://www.w3.org/TR/trace-context/ */
export function traceIn(header: (name: string) => string | undefined): CarriedTrace | undefined {
  return carriedTrace(header("traceparent"), header("tracestate"));
}

/** Returns the patterns of X-MCP-Tools. A comma within parentheses belongs to its pattern. */
export function toolsIn(header: (name: string) => string | undefined): string[] | undefined {
  const text = header("x-mcp-tools");
  if (text === undefined) return undefined;
  const patterns = splitPatterns(text).map((pattern) => pattern.trim());
  return patterns.filter((pattern) => pattern !== "");
}

/**
 * Splits from the end: a comma is within parentheses if the next parenthesis after it closes. Linear time: a regular expression took 0.8 s
 * for 15 kB of commas.
 */
function splitPatterns(text: string): string[] {
  const patterns: string[] = [];
  let end = text.length;
  let isWithin = false;
  for (let at = text.length - 1; at >= 0; at--) {
    const char = text[at];
    if (char === "(" || char === ")") isWithin = char === ")";
    if (char !== "," || isWithin) continue;
    patterns.push(text.slice(at + 1, end));
    end = at;
  }
  patterns.push(text.slice(0, end));
  return patterns.reverse();
}

/** Headers that a call may send, for the API description. */
export const turnHeaders = {
  "X-Conversation-Id": "goes on with this conversation of the log; only the last user message counts then",
  "X-Request-Id": "a repetition under the same id is the same call",
  "Idempotency-Key": "the same, where proxies make an X-Request-Id of their own",
  traceparent: "the trace (W3C Trace Context) that the turn's goes on with",
  "X-MCP-Tools": "the only tools of servers that the call may use, as patterns: server.*,other.tool",
};

function idIn(header: (name: string) => string | undefined, name: string): string | undefined {
  const id = header(name);
  return id === undefined ? undefined : requireId(id, name);
}

/** Throws ApiError for an invalid id. `name`: the header or field that holds it. */
export function requireId(id: string, name: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(id)) return id;
  throw new ApiError(400, "invalid_id", `${name} is 1 to 200 printable characters without spaces`, name);
}

/** Throws ApiError and the errors of `session.submit`. */
export async function startDoorTurn(parts: DoorParts, call: TurnCall, ids: CallIds): Promise<DoorTurn> {
  const model = resolved(parts, call.model);
  const requestId = ids.requestId ?? parts.newId("req");
  const conversationId =
    ids.conversationId ??
    ownConversation(ids.requestId, call, {
      newId: parts.newId,
      prefix: call.isSingle ? singleCallPrefix : undefined,
    });
  const session = parts.sessions.open(conversationId);
  const submitted = session.submit({
    requestId,
    content: call.content,
    history: call.history.length > 0 ? call.history : undefined,
    asked: call.asked && { ...call.asked },
    bringsAll: ids.conversationId === undefined && call.isSingle,
    ...turnOptions(call),
    dialogue: ids.dialogue ?? (ids.conversationId === undefined ? dialogueOf(call) : undefined),
    trace: ids.trace,
  });
  const forget = () => {
    if (ids.conversationId === undefined) void parts.sessions.forget(session);
  };
  const turn = await submitted.finally(forget);
  return {
    turn,
    session,
    model,
    headers: { "x-conversation-id": conversationId, "x-request-id": requestId },
    isRepeatable: ids.requestId !== undefined,
    isStructured: call.output !== undefined,
    abandon: () => {
      if (ids.requestId === undefined) turn.cancel();
    },
  };
}

function turnOptions(call: TurnCall): TurnOptions {
  return {
    system: call.system,
    model: call.model,
    streaming: call.streaming,
    temperature: call.temperature,
    maxTokens: call.maxTokens,
    callerTools: call.callerTools.length > 0 ? call.callerTools : undefined,
    toolChoice: call.toolChoice,
    parallelToolCalls: call.parallelToolCalls,
    output: call.output,
    deny: call.withoutTools ? ["*"] : undefined,
    only: call.only,
    // Text that was sent to a client of this API cannot be taken back.
    streamRecovery: "fail",
    unattended: true,
  };
}

/** Names a dialogue by the hash of its first message, which is the same in all its calls. */
export function dialogueOf({ history = [], content }: Pick<UserMessageEvent, "history" | "content">): string {
  const [first = { role: "user", content }] = history;
  return createHash("sha256").update(JSON.stringify(first)).digest("hex");
}

/** Throws the errors of `startDoorTurn`. */
export async function estimateDoorTurn(parts: DoorParts, call: TurnCall, { conversationId }: CallIds): Promise<number> {
  resolved(parts, call.model);
  const session = parts.sessions.open(conversationId);
  try {
    return await session.estimate(call, turnOptions(call));
  } finally {
    if (conversationId === undefined) void parts.sessions.forget(session);
  }
}

function resolved(parts: DoorParts, model: string | undefined) {
  try {
    return parts.resolveModel(model);
  } catch (error) {
    throw new ApiError(404, "model_not_found", messageOf(error), "model");
  }
}

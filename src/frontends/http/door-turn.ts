/**
 * A call of OpenAI's or Anthropic's API as a turn. It is a turn like any other: in the log, by the one loop, under the same policy and limits. A call
 * that names no conversation gets one of its own, whose first event holds the history that came with it.
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
  /** Undefined: as configured. */
  model?: string;
  streaming?: boolean;
  temperature?: number;
  maxTokens?: number;
  callerTools: readonly ToolDefinition[];
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
  /** Undefined: any text will do. */
  output?: OutputFormat;
  /** The servers' tools are not offered. */
  withoutTools: boolean;
  /** Patterns of those that are; undefined: all. */
  only?: readonly string[];
  /** Where the call names no conversation: nobody goes on with the one that it gets. */
  isSingle: boolean;
  /** What is kept of the call in the log for whoever reads its answer later. */
  asked?: object;
}

/** The model that stands for whatever the host is configured for, and the same without the servers' tools. */
export const defaultModel = "mcp-platform";
export const plainModel = "mcp-platform/plain";

/** What a caller's name of a model stands for; `isPlain`: without the servers' tools. */
export function askedModel(name: string | null | undefined, plainModels: readonly string[]) {
  const isDefault = name === defaultModel || name === plainModel;
  const isPlain = typeof name === "string" && (name === plainModel || plainModels.includes(name));
  return { model: isDefault ? undefined : (name ?? undefined), isPlain };
}

export interface CallIds {
  conversationId?: string;
  /** As in TurnOptions, of a conversation that was begun by a call without an id for it. */
  dialogue?: string;
  requestId?: string;
  /** The caller's. */
  trace?: CarriedTrace;
}

export interface DoorTurn {
  turn: LiveTurn;
  session: Session;
  model: { provider: string; model: string };
  /** So that the caller can find the turn in the log, however he called. */
  headers: Record<string, string>;
  /** The same call sent again goes on with this turn, and does nothing twice. */
  isRepeatable: boolean;
  /** The answer is one JSON value. */
  isStructured: boolean;
  /** The caller has gone. Without an id of the request nobody can ask for its answer again, so it is cancelled. */
  abandon(): void;
}

export function idsOf(header: (name: string) => string | undefined): CallIds {
  const trace = traceIn(header);
  // A proxy may have given the request an X-Request-Id; the other one is the caller's in any case.
  const requestId = idIn(header, "idempotency-key") ?? idIn(header, "x-request-id");
  return { conversationId: idIn(header, "x-conversation-id"), requestId, trace };
}

/** The trace that the caller's request is part of. https://www.w3.org/TR/trace-context/ */
export function traceIn(header: (name: string) => string | undefined): CarriedTrace | undefined {
  return carriedTrace(header("traceparent"), header("tracestate"));
}

/** The patterns of X-MCP-Tools. A comma within parentheses is a pattern's own. */
export function toolsIn(header: (name: string) => string | undefined): string[] | undefined {
  const text = header("x-mcp-tools");
  if (text === undefined) return undefined;
  const patterns = splitPatterns(text).map((pattern) => pattern.trim());
  return patterns.filter((pattern) => pattern !== "");
}

/** From the end on: a comma is within parentheses where the next one of them closes. In linear time: 15 kB of commas took a regular expression 0.8 s. */
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

/** What a call may say beside its body, for the description. */
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

/** Throws ApiError for what cannot be an id. `name`: where the caller has it. */
export function requireId(id: string, name: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(id)) return id;
  throw new ApiError(400, "invalid_id", `${name} is 1 to 200 printable characters without spaces`, name);
}

/** Throws ApiError, and what `session.submit` does. */
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
    // What was sent to a client of this API cannot be taken back.
    streamRecovery: "fail",
    unattended: true,
  };
}

/** A dialogue is named by its first message, which is the same in all its calls. */
export function dialogueOf({ history = [], content }: Pick<UserMessageEvent, "history" | "content">): string {
  const [first = { role: "user", content }] = history;
  return createHash("sha256").update(JSON.stringify(first)).digest("hex");
}

/** Estimates the tokens of the request that the turn would begin with. Throws as `startDoorTurn` does. */
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

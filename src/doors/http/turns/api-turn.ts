/**
 * Runs a call of OpenAI's or Anthropic's API as a turn. Such a turn is stored in the log, and it has the same loop, policy and limits as
 * any other turn. A call without a conversation id gets a new conversation, which no list shows (`singleCallPrefix`). The first event of this
 * conversation holds the history that the call sent.
 */
import { createHash } from "node:crypto";
import { messageOf } from "../../../core/errors.js";
import type { UserMessageEvent } from "../../../core/events.js";
import { singleCallPrefix } from "../../../core/ids.js";
import type { AnswerOptions, Message, ToolDefinition } from "../../../core/messages.js";
import type { Observe } from "../../../core/ports.js";
import type { Session } from "../../../session/session.js";
import type { PromptOptions } from "../../../session/shared/prompt-options.js";
import type { LiveTurn } from "../../../session/turns/live-turn.js";
import type { DoorParts } from "../../shared/door.js";
import { ownConversation } from "../../shared/own-conversation.js";
import { ApiError } from "../shared/api-errors.js";
import type { CallContext } from "./call-headers.js";
import type { CallInput } from "./call-input.js";

export interface TurnCall extends CallInput, AnswerOptions {
  streaming?: boolean;
  callerTools: readonly ToolDefinition[];
  /** True if the servers' tools are not offered to the model. */
  withoutTools: boolean;
  stopSequences?: readonly string[];
  /** Patterns that select the servers' tools to offer. Undefined if all tools are offered. */
  only?: readonly string[];
  /** True if the caller keeps the history: see `PromptOptions.bringsAll`. */
  bringsAll: boolean;
  /** Fields of the call that are stored in the log, so that the answer can be read again later. */
  asked?: object;
}

export interface ApiTurn {
  turn: LiveTurn;
  session: Session;
  observe: Observe | undefined;
  model: { provider: string; model: string };
  /** Response headers with the ids by which the caller can find the turn in the log. */
  headers: Record<string, string>;
  /** True if the caller can send the call again to continue this turn, without running anything twice. */
  isRepeatable: boolean;
  /** True if the answer must be a single JSON value. */
  isStructured: boolean;
  /**
   * Cancels the turn, because the caller has disconnected. Does nothing if the call has a request id, since the caller can then ask for the
   * answer again.
   */
  abandon(): void;
}

/** Starts the turn of a call. Rejects with ApiError or with an error of `session.submit`. */
export async function startApiTurn(parts: DoorParts, call: TurnCall, context: CallContext): Promise<ApiTurn> {
  const model = resolved(parts, call.model);
  const requestId = context.requestId ?? parts.newId("req");
  const conversationId =
    context.conversationId ??
    // A call that is repeated whole instead of streamed, or the other way round, is the same call. `resultIds` follows from the history, and
    // its order depends on which log is read first.
    ownConversation(
      context.requestId,
      { ...call, streaming: undefined, resultIds: undefined },
      { newId: parts.newId, prefix: singleCallPrefix },
    );
  const session = parts.sessions.open(conversationId);
  const submitted = session.submit({
    requestId,
    content: call.content,
    history: call.history.length > 0 ? call.history : undefined,
    resultIds: call.resultIds,
    asked: call.asked && { ...call.asked },
    continues: call.continues,
    isSingleCall: context.conversationId === undefined,
    bringsAll: context.conversationId === undefined && call.bringsAll,
    ...turnOptions(call),
    endsWithCaller: context.requestId === undefined,
    promptCacheName:
      context.promptCacheName ?? (context.conversationId === undefined ? promptCacheNameOf(call) : undefined),
    trace: context.trace,
  });
  const forget = () => {
    if (context.conversationId === undefined) void parts.sessions.forget(session);
  };
  const turn = await submitted.finally(forget);
  return {
    turn,
    session,
    observe: parts.observe,
    model,
    headers: { "x-conversation-id": conversationId, "x-request-id": requestId },
    isRepeatable: context.requestId !== undefined,
    isStructured: call.output !== undefined,
    abandon: () => {
      if (context.requestId === undefined) session.cancel(requestId);
    },
  };
}

function turnOptions(call: TurnCall): PromptOptions {
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
    stopSequences: call.stopSequences,
    deny: call.withoutTools ? ["*"] : undefined,
    only: call.only,
    // A client keeps the text that it was streamed. An answer that is sent whole can be started again.
    streamRecovery: call.streaming ? "fail" : "restart",
    unattended: true,
  };
}

/**
 * Returns the prompt cache name for a call: a hash of the first message. Calls that send a growing history all have the same first message,
 * and so the same name.
 */
export function promptCacheNameOf({ history = [], content }: Pick<UserMessageEvent, "history" | "content">): string {
  const [first = { role: "user", content }] = history;
  return createHash("sha256").update(JSON.stringify(first)).digest("hex");
}

/** Estimates the input tokens of a call without running it. Rejects with the same errors as `startApiTurn`. */
export async function estimateApiTurn(
  parts: DoorParts,
  call: TurnCall,
  { conversationId }: CallContext,
): Promise<number> {
  resolved(parts, call.model);
  const { history = [], content } = call;
  const sent: Message[] = content.length > 0 ? [...history, { role: "user", content }] : history;
  const session = parts.sessions.open(conversationId);
  try {
    return await session.runner.estimate(sent, turnOptions(call));
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

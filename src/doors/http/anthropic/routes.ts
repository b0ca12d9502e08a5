/** Routes of Anthropic's Messages API. https://docs.claude.com/en/api/messages */
import type { DoorParts } from "../../shared/door.js";
import { foreignClient, isBillingLine } from "../clients.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { readOutput } from "../shared/read-output.js";
import { estimateApiTurn, startApiTurn, type TurnCall } from "../turns/api-turn.js";
import { type CallContext, callContextOf, turnHeaders } from "../turns/call-headers.js";
import { type CallInput, callInputOf, newInputOf, sinceLastAnswer } from "../turns/call-input.js";
import { type CallerTools, readCallerTools } from "../turns/caller-tools.js";
import { commonOptions } from "../turns/common-options.js";
import { LoggedTurns } from "../turns/logged-turns.js";
import { readToolUse } from "../turns/read-tool-use.js";
import type { Attempt, RepeatedCalls } from "../turns/repeated-calls.js";
import { showTurn } from "../turns/show-turn.js";
import {
  type MessageParam,
  type MessagesBody,
  messagesBody,
  type TokenCountBody,
  tokenCountBody,
} from "./anthropic-body.js";
import { readMessages } from "./anthropic-messages.js";
import { MessageView } from "./message-view.js";
import { offeredTools } from "./offered-tools.js";

interface MessageOptions {
  keepAliveMs: number;
  plainModels: readonly string[];
  attempts: RepeatedCalls;
}

export function messageRoutes(parts: DoorParts, options: MessageOptions): ApiRoute[] {
  return [
    {
      method: "POST",
      path: "/v1/messages",
      summary:
        "Runs a turn and answers with a message. The host runs the servers' tools, and returns calls of the caller's own tools",
      headers: turnHeaders,
      body: messagesBody,
      run: (call) => options.attempts.during(call, (attempt) => create(parts, call, { ...options, attempt })),
    },
    {
      method: "POST",
      path: "/v1/messages/count_tokens",
      summary: "Estimates the input tokens of a call, with the servers' tools",
      headers: turnHeaders,
      body: tokenCountBody,
      run: (call) => count(parts, call, options),
    },
  ];
}

async function create(
  parts: DoorParts,
  call: ApiCall,
  options: MessageOptions & { attempt: Attempt | undefined },
): Promise<Response> {
  const body = call.body as MessagesBody;
  if (body.thread) throw noThreads();
  const context = callContextOf(call.header);
  const { turn, tools } = await readCall(parts, call, options);
  const inputTokens = await estimateApiTurn(parts, turn, context);
  const apiTurn = await startApiTurn(parts, turn, context);
  const requestId = apiTurn.headers["x-request-id"] ?? "";
  apiTurn.headers["request-id"] = requestId;
  if (tools.ignored.length > 0) apiTurn.headers["x-mcp-ignored-tools"] = tools.ignored.join(", ");
  const view = new MessageView({
    turnKey: { conversationId: apiTurn.session.id, turnId: apiTurn.turn.turnId },
    requestId,
    model: `${apiTurn.model.provider}/${apiTurn.model.model}`,
    inputTokens,
    thinking: thinkingIn(body),
    stopSequences: body.stop_sequences ?? [],
    callerTool: tools.find,
    readsServerCalls: !foreignClient(call.header)?.refusesServerCalls,
    serverOf: (name) => parts.hub.tools().find((tool) => tool.name === name),
  });
  const { keepAliveMs, attempt } = options;
  return showTurn(apiTurn, view, { streaming: body.stream === true, keepAliveMs, gone: call.gone, attempt });
}

async function count(parts: DoorParts, call: ApiCall, options: MessageOptions): Promise<Response> {
  const context = callContextOf(call.header);
  const { turn } = await readCall(parts, call, options);
  // An error is ignored here: the estimate does not need the tools of a server that fails to start.
  await parts.hub.offered(call.gone).catch(() => {});
  const inputTokens = await estimateApiTurn(parts, turn, context);
  return Response.json(
    { input_tokens: inputTokens },
    { headers: { "request-id": context.requestId ?? parts.newId("req") } },
  );
}

/**
 * Returns the error for a call with `thread`. When the tool runner of Anthropic's client gets the code of this error, it no longer uses a
 * thread and sends the whole conversation in each call.
 */
function noThreads(): ApiError {
  const text =
    "thread: this host has no threads; send the whole conversation without this field, or name a conversation by X-Conversation-Id";
  const details = { error_code: "thread_unsupported_request", unsupported: ["thread"] };
  return new ApiError(400, "unsupported_parameter", text, "thread", details);
}

interface ReadCall {
  turn: TurnCall;
  tools: CallerTools;
}

/** Reads a call: the turn to start and the caller's tools. Rejects with ApiError. */
async function readCall(parts: DoorParts, call: ApiCall, { plainModels }: MessageOptions): Promise<ReadCall> {
  const body = call.body as MessagesBody;
  const toolUse = readToolUse(toolUseIn(body));
  const tools = readCallerTools(toolUse.withoutTools ? [] : toolsOf(body));
  const input = await readInput(parts, body.messages, callContextOf(call.header));
  const system = systemIn(body);
  const output = await readOutput(body.output_config?.format ?? body.output_format, "output_config.format");
  const stopSequences = body.stop_sequences ?? undefined;
  const turn: TurnCall = {
    ...input,
    ...(system === undefined ? {} : { system: [system, input.system].filter(Boolean).join("\n\n") }),
    ...commonOptions(call, plainModels, { toolUse, tools, output, maxTokens: body.max_tokens, stopSequences }),
    bringsAll: true,
  };
  return { turn, tools };
}

async function readInput(
  parts: DoorParts,
  messages: readonly MessageParam[],
  context: CallContext,
): Promise<CallInput> {
  const { conversationId } = context;
  const turns = new LoggedTurns(parts.sessions);
  if (conversationId === undefined)
    return callInputOf(parts, await readMessages(parts.hub, turns, messages), { context, turns });
  return newInputOf(parts, await readMessages(parts.hub, turns, sinceLastAnswer(messages)), {
    ...context,
    conversationId,
  });
}

function systemIn({ system }: TokenCountBody): string | undefined {
  if (typeof system === "string") return system;
  const texts = (system ?? []).map(({ text }) => text).filter((text) => text !== "" && !isBillingLine(text));
  return texts.length > 0 ? texts.join("\n\n") : undefined;
}

/**
 * Returns the caller's tools in the form that `readCallerTools` reads. A tool that runs at Anthropic, or that only Anthropic's models know,
 * keeps its type. `readCallerTools` ignores such a tool.
 */
function toolsOf({ tools, messages }: TokenCountBody) {
  return offeredTools(tools ?? [], messages).map(({ type, input_schema, ...tool }) => ({
    ...tool,
    type: type === undefined || type === null || type === "custom" ? "function" : type,
    parameters: input_schema,
  }));
}

function toolUseIn({ tool_choice: choice }: TokenCountBody): Parameters<typeof readToolUse>[0] {
  if (!choice) return {};
  const choices = { auto: "auto", none: "none", any: "required" } as const;
  return {
    tool_choice: choice.type === "tool" ? { type: "function", name: choice.name } : choices[choice.type],
    parallel_tool_calls: choice.disable_parallel_tool_use ? false : undefined,
  };
}

function thinkingIn({ thinking }: MessagesBody): "shown" | "omitted" | "none" {
  if (!thinking || thinking.type === "disabled") return "none";
  return thinking.display === "omitted" ? "omitted" : "shown";
}

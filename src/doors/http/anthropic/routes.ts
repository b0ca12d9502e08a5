/** Routes of Anthropic's Messages API. https://docs.claude.com/en/api/messages */
import type { DoorParts } from "../../shared/door.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { readOutput } from "../shared/read-output.js";
import { idsOf, toolsIn, turnHeaders, type WireCallIds } from "../turns/call-headers.js";
import { type CallerTools, readCallerTools } from "../turns/caller-tools.js";
import { askedModel, estimateDoorTurn, startDoorTurn, type TurnCall } from "../turns/door-turn.js";
import { LoggedTurns } from "../turns/logged-turns.js";
import { readToolUse } from "../turns/read-tool-use.js";
import type { Attempt, RepeatedCalls } from "../turns/repeated-calls.js";
import { type Said, saidIn, saidSince, sinceLastAnswer } from "../turns/said.js";
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
      summary: "A turn as a message: the servers' tools are run here, the caller's own are given back",
      headers: turnHeaders,
      body: messagesBody,
      run: (call) => options.attempts.during(call, (attempt) => create(parts, call, { ...options, attempt })),
    },
    {
      method: "POST",
      path: "/v1/messages/count_tokens",
      summary: "An estimate of the tokens that a call would begin with, the servers' tools included",
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
  const ids = idsOf(call.header);
  const { turn, tools } = await readCall(parts, call, options);
  const inputTokens = await estimateDoorTurn(parts, turn, ids);
  const door = await startDoorTurn(parts, turn, ids);
  const requestId = door.headers["x-request-id"] ?? "";
  door.headers["request-id"] = requestId;
  if (tools.ignored.length > 0) door.headers["x-mcp-ignored-tools"] = tools.ignored.join(", ");
  const view = new MessageView({
    place: { conversationId: door.session.id, turnId: door.turn.turnId },
    requestId,
    model: `${door.model.provider}/${door.model.model}`,
    inputTokens,
    thinking: thinkingIn(body),
    stopSequences: body.stop_sequences ?? [],
    callerTool: tools.find,
    serverOf: (name) => parts.hub.tools().find((tool) => tool.name === name),
  });
  const { keepAliveMs, attempt } = options;
  return showTurn(door, view, { streaming: body.stream === true, keepAliveMs, gone: call.gone, attempt });
}

async function count(parts: DoorParts, call: ApiCall, options: MessageOptions): Promise<Response> {
  const ids = idsOf(call.header);
  const { turn } = await readCall(parts, call, options);
  // An error is ignored here: the estimate does not need the tools of a server that fails to start.
  await parts.hub.offered(call.gone).catch(() => {});
  const inputTokens = await estimateDoorTurn(parts, turn, ids);
  return Response.json(
    { input_tokens: inputTokens },
    { headers: { "request-id": ids.requestId ?? parts.newId("req") } },
  );
}

/**
 * Returns the error for a call with `thread`. When the tool runner of Anthropic's client gets the code of this error, it no longer uses a
 * thread and sends the whole conversation in each call.
 */
function noThreads(): ApiError {
  const text =
    "thread: this host keeps no threads; send the whole conversation without it, or name one by X-Conversation-Id";
  const details = { error_code: "thread_unsupported_request", unsupported: ["thread"] };
  return new ApiError(400, "unsupported_parameter", text, "thread", details);
}

interface ReadCall {
  turn: TurnCall;
  tools: CallerTools;
}

/** Reads a call: the turn to start and the caller's tools. Rejects with ApiError. */
async function readCall(
  parts: DoorParts,
  { header, ...call }: ApiCall,
  { plainModels }: MessageOptions,
): Promise<ReadCall> {
  const body = call.body as MessagesBody;
  const { model, isPlain } = askedModel(body.model, plainModels);
  const { withoutTools, ...use } = readToolUse(toolUseIn(body));
  const tools = readCallerTools(withoutTools ? [] : toolsOf(body));
  const said = await readSaid(parts, body.messages, idsOf(header));
  const system = systemIn(body);
  const turn: TurnCall = {
    ...said,
    ...(system === undefined ? {} : { system: [system, said.system].filter(Boolean).join("\n\n") }),
    ...use,
    output: await readOutput(body.output_config?.format ?? body.output_format, "output_config.format"),
    model,
    streaming: body.stream ? true : undefined,
    temperature: body.temperature ?? undefined,
    maxTokens: body.max_tokens ?? undefined,
    ...(body.stop_sequences && body.stop_sequences.length > 0 && { stopSequences: body.stop_sequences }),
    callerTools: tools.definitions,
    withoutTools: withoutTools || isPlain,
    only: toolsIn(header),
    isSingle: true,
  };
  return { turn, tools };
}

async function readSaid(parts: DoorParts, messages: readonly MessageParam[], ids: WireCallIds): Promise<Said> {
  const { conversationId } = ids;
  const turns = new LoggedTurns(parts.sessions);
  if (conversationId === undefined)
    return saidIn(parts, await readMessages(parts.hub, turns, messages), { ids, turns });
  return saidSince(parts, await readMessages(parts.hub, turns, sinceLastAnswer(messages)), { ...ids, conversationId });
}

/**
 * Line for Anthropic's billing that Claude Code puts at the start of the system text. The line differs in each call. It is removed, so that
 * the prompts of all calls begin alike.
 */
const billingLine = /^x-anthropic-billing-header:/;

function systemIn({ system }: TokenCountBody): string | undefined {
  if (typeof system === "string") return system;
  const texts = (system ?? []).map(({ text }) => text).filter((text) => text !== "" && !billingLine.test(text));
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
  const words = { auto: "auto", none: "none", any: "required" } as const;
  return {
    tool_choice: choice.type === "tool" ? { type: "function", name: choice.name } : words[choice.type],
    parallel_tool_calls: choice.disable_parallel_tool_use ? false : undefined,
  };
}

function thinkingIn({ thinking }: MessagesBody): "shown" | "omitted" | "none" {
  if (!thinking || thinking.type === "disabled") return "none";
  return thinking.display === "omitted" ? "omitted" : "shown";
}

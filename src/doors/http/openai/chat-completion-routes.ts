import type { TurnEvent } from "../../../core/events.js";
import { TurnEncoder } from "../../protocol/protocol.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { chatCompletionBody } from "../shared/api-schemas.js";
import { type FormatBody, readOutput } from "../shared/read-output.js";
import { type ApiTurn, startApiTurn } from "../turns/api-turn.js";
import { type CallContext, callContextOf, turnHeaders } from "../turns/call-headers.js";
import { type CallInput, callInputOf } from "../turns/call-input.js";
import { readCallerTools } from "../turns/caller-tools.js";
import { commonOptions } from "../turns/common-options.js";
import { LoggedTurns } from "../turns/logged-turns.js";
import { readToolUse, type ToolUseBody } from "../turns/read-tool-use.js";
import type { Attempt, RepeatedCalls } from "../turns/repeated-calls.js";
import { type StreamedEvent, showTurn } from "../turns/show-turn.js";
import { ChatCompletionView } from "./chat-completion-view.js";
import { type ChatMessage, readMessage } from "./openai-messages.js";

interface ChatCompletionBody extends ToolUseBody {
  model?: string | null;
  messages: ChatMessage[];
  stream?: boolean | null;
  stream_options?: { include_usage?: boolean | null } | null;
  temperature?: number | null;
  max_tokens?: number | null;
  max_completion_tokens?: number | null;
  stop?: string | string[] | null;
  response_format?: { type: FormatBody["type"]; json_schema?: Omit<FormatBody, "type"> } | null;
  tools?: { function: { name: string; description?: string | null; parameters?: object | null } }[] | null;
}

interface ChatCompletionOptions {
  keepAliveMs: number;
  plainModels: readonly string[];
  attempts: RepeatedCalls;
}

export function chatCompletionRoutes(parts: DoorParts, options: ChatCompletionOptions): ApiRoute[] {
  return [
    {
      method: "POST",
      path: "/v1/chat/completions",
      summary:
        "Runs a turn and answers with a chat completion. The host runs the servers' tools, and returns calls of the caller's own tools",
      headers: {
        ...turnHeaders,
        "X-MCP-Events": "1: a stream also has the events mcp.tool_call, mcp.tool_progress and mcp.tool_result",
      },
      body: chatCompletionBody,
      run: (call) => options.attempts.during(call, (attempt) => create(parts, call, { ...options, attempt })),
    },
  ];
}

async function create(
  parts: DoorParts,
  call: ApiCall,
  { keepAliveMs, plainModels, attempt }: ChatCompletionOptions & { attempt: Attempt | undefined },
): Promise<Response> {
  const body = call.body as ChatCompletionBody;
  const context = callContextOf(call.header);
  const toolUse = readToolUse(body);
  const functions = (body.tools ?? []).map((tool) => ({ ...tool.function, type: "function" }));
  const tools = readCallerTools(toolUse.withoutTools ? [] : functions);
  const format = body.response_format;
  const stopSequences = [body.stop ?? []].flat().filter((sequence) => sequence !== "");
  const output = await readOutput(format && { ...format.json_schema, type: format.type }, "response_format");
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  const apiTurn = await startApiTurn(
    parts,
    {
      ...(await readInput(parts, body, context)),
      ...commonOptions(call, plainModels, { toolUse, tools, output, maxTokens, stopSequences }),
      bringsAll: true,
    },
    context,
  );
  const { provider, model } = apiTurn.model;
  const view = new ChatCompletionView({
    turnKey: { conversationId: apiTurn.session.id, turnId: apiTurn.turn.turnId },
    created: Math.floor(parts.now() / 1000),
    model: `${provider}/${model}`,
    stopSequences,
    callerTool: tools.find,
    includeUsage: body.stream_options?.include_usage === true,
    eventsOf: call.header("x-mcp-events") === "1" ? toolEvents(apiTurn) : () => [],
  });
  return showTurn(apiTurn, view, { streaming: body.stream === true, keepAliveMs, gone: call.gone, attempt });
}

async function readInput(parts: DoorParts, body: ChatCompletionBody, context: CallContext): Promise<CallInput> {
  const messages = body.messages.map(readMessage);
  const turns = new LoggedTurns(parts.sessions);
  const whole = context.conversationId === undefined ? await turns.history(messages) : messages;
  return callInputOf(parts, whole, { context, turns });
}

/**
 * Returns a function that encodes events as `mcp.tool_call`, `mcp.tool_progress` and `mcp.tool_result`, for clients that ask for them. The
 * data of such an event is a chunk of this host's own protocol (`stdio`, `/ws/chat`).
 */
function toolEvents({ turn, session, model }: ApiTurn): (event: TurnEvent) => StreamedEvent[] {
  const { requestId, turnId, cached } = turn;
  const encoder = new TurnEncoder({ requestId, conversationId: session.id, turnId, cached, model });
  return (event) =>
    encoder.encode(event).flatMap(({ status, chunk }) => {
      const isOfTool = status === "chunk" && chunk.type.startsWith("tool_");
      return isOfTool ? [{ event: `mcp.${chunk.type}`, data: chunk }] : [];
    });
}

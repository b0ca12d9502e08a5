import type { DoorParts } from "../../shared/door.js";
import { modelInfo, modelList } from "../anthropic/model-list.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { chatCompletionBody } from "../shared/api-schemas.js";
import { type FormatBody, readOutput } from "../shared/read-output.js";
import { idsOf, toolsIn, turnHeaders } from "../turns/call-headers.js";
import { readCallerTools } from "../turns/caller-tools.js";
import { askedModel, defaultModel, plainModel, startDoorTurn } from "../turns/door-turn.js";
import { LoggedTurns } from "../turns/logged-turns.js";
import { readToolUse, type ToolUseBody } from "../turns/read-tool-use.js";
import type { Attempt, RepeatedCalls } from "../turns/repeated-calls.js";
import { saidIn } from "../turns/said.js";
import { showTurn } from "../turns/show-turn.js";
import { toolEvents } from "../turns/tool-events.js";
import { ChatCompletion } from "./chat-completion.js";
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

export interface OpenAiOptions {
  keepAliveMs: number;
  /** Returns the models that callers may ask for in addition to the default model. */
  models: () => readonly string[];
  /** Models to which the servers' tools are not offered. */
  plainModels: readonly string[];
  attempts: RepeatedCalls;
}

export function openAiRoutes(parts: DoorParts, options: OpenAiOptions): ApiRoute[] {
  return [
    {
      method: "GET",
      path: "/v1/models",
      summary: "Models that can be asked for, in Anthropic's shape for a caller that sends anthropic-version",
      run: ({ header }) => {
        const ids = modelIds(parts, options);
        if (isForAnthropic(header)) return asAnthropic(parts, modelList(ids));
        return Response.json({ object: "list", data: ids.map(openAiModel) });
      },
    },
    {
      method: "GET",
      path: "/v1/models/{+id}",
      summary: "One of these models",
      run: ({ path, header }) => {
        const id = path("id");
        if (!modelIds(parts, options).includes(id))
          throw new ApiError(404, "model_not_found", `there is no model ${id}: /v1/models lists the models`, "model");
        return isForAnthropic(header) ? asAnthropic(parts, modelInfo(id)) : Response.json(openAiModel(id));
      },
    },
    {
      method: "POST",
      path: "/v1/chat/completions",
      summary: "A turn as a chat completion: the servers' tools are run here, the caller's own are given back",
      headers: {
        ...turnHeaders,
        "X-MCP-Events": "1: a stream also has events of what the tools do, mcp.tool_call and so on",
      },
      body: chatCompletionBody,
      run: (call) => options.attempts.during(call, (attempt) => chatCompletion(parts, call, { ...options, attempt })),
    },
  ];
}

function modelIds(parts: DoorParts, { models, plainModels }: OpenAiOptions): string[] {
  const { provider, model } = parts.resolveModel();
  return [...new Set([defaultModel, plainModel, `${provider}/${model}`, ...models(), ...plainModels])];
}

function openAiModel(id: string): object {
  return { id, object: "model", created: 0, owned_by: id.split("/")[0] };
}

function isForAnthropic(header: ApiCall["header"]): boolean {
  return header("anthropic-version") !== undefined;
}

function asAnthropic({ newId }: DoorParts, body: object): Response {
  return Response.json(body, { headers: { "request-id": newId("req") } });
}

async function chatCompletion(
  parts: DoorParts,
  call: ApiCall,
  options: OpenAiOptions & { attempt: Attempt | undefined },
): Promise<Response> {
  const body = call.body as ChatCompletionBody;
  const ids = idsOf(call.header);
  const { model: asked, isPlain } = askedModel(body.model, options.plainModels);
  const { withoutTools, ...use } = readToolUse(body);
  const functions = (body.tools ?? []).map((tool) => ({ ...tool.function, type: "function" }));
  const tools = readCallerTools(withoutTools ? [] : functions);
  const format = body.response_format;
  const stopSequences = [body.stop ?? []].flat().filter((sequence) => sequence !== "");
  const output = await readOutput(format && { ...format.json_schema, type: format.type }, "response_format");
  const messages = body.messages.map(readMessage);
  const { conversationId } = ids;
  const turns = new LoggedTurns(parts.sessions);
  const whole = conversationId === undefined ? await turns.history(messages) : messages;
  const said = await saidIn(parts, whole, { ids, turns });
  const door = await startDoorTurn(
    parts,
    {
      ...said,
      ...use,
      output,
      model: asked,
      streaming: body.stream ? true : undefined,
      temperature: body.temperature ?? undefined,
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
      ...(stopSequences.length > 0 && { stopSequences }),
      callerTools: tools.definitions,
      withoutTools: withoutTools || isPlain,
      only: toolsIn(call.header),
      isSingle: true,
    },
    ids,
  );
  const { provider, model } = door.model;
  const view = new ChatCompletion({
    place: { conversationId: door.session.id, turnId: door.turn.turnId },
    created: Math.floor(parts.now() / 1000),
    model: `${provider}/${model}`,
    stopSequences,
    callerTool: tools.find,
    includeUsage: body.stream_options?.include_usage === true,
    eventsOf: call.header("x-mcp-events") === "1" ? toolEvents(door) : () => [],
  });
  const { keepAliveMs, attempt } = options;
  return showTurn(door, view, { streaming: body.stream === true, keepAliveMs, gone: call.gone, attempt });
}

import type { Message, TurnEvent } from "../../core/chat.js";
import type { DoorParts } from "../door.js";
import type { Call, Route } from "./api.js";
import { readCallerTools } from "./caller-tools.js";
import { ChatCompletion } from "./chat-completion.js";
import {
  askedModel,
  type CallIds,
  defaultModel,
  idsOf,
  plainModel,
  startDoorTurn,
  toolsIn,
  turnHeaders,
} from "./door-turn.js";
import { ApiError } from "./errors.js";
import { asSaid, type ChatMessage, readMessage, type Said } from "./messages.js";
import { readToolUse, type ToolUseBody } from "./read-tool-use.js";
import { chatCompletionBody } from "./schemas.js";
import { type StreamedEvent, showTurn, type TurnView } from "./show-turn.js";
import { withResultsFirst, withToldIds, withToldTurns } from "./told-turns.js";
import { toolEvents } from "./tool-events.js";

interface ChatCompletionBody extends ToolUseBody {
  model?: string | null;
  messages: ChatMessage[];
  stream?: boolean | null;
  stream_options?: { include_usage?: boolean | null } | null;
  temperature?: number | null;
  max_tokens?: number | null;
  max_completion_tokens?: number | null;
  tools?: { function: { name: string; description?: string | null; parameters?: object | null } }[] | null;
}

export interface OpenAiOptions {
  keepAliveMs: number;
  /** Beside the default one. */
  models: () => readonly string[];
  /** Those for which callers get no tools of the servers. */
  plainModels: readonly string[];
}

export function openAiRoutes(parts: DoorParts, options: OpenAiOptions): Route[] {
  return [
    { method: "GET", path: "/v1/models", summary: "Models that can be asked for", run: () => models(parts, options) },
    {
      method: "POST",
      path: "/v1/chat/completions",
      summary: "A turn as a chat completion: the servers' tools are run here, the caller's own are given back",
      headers: {
        ...turnHeaders,
        "X-MCP-Events": "1: a stream also has events of what the tools do, mcp.tool_call and so on",
      },
      body: chatCompletionBody,
      run: (call) => chatCompletion(parts, call, options),
    },
  ];
}

function models(parts: DoorParts, options: OpenAiOptions): Response {
  const { provider, model } = parts.resolveModel();
  const ids = [
    ...new Set([defaultModel, plainModel, `${provider}/${model}`, ...options.models(), ...options.plainModels]),
  ];
  const data = ids.map((id) => ({ id, object: "model", created: 0, owned_by: id.split("/")[0] }));
  return Response.json({ object: "list", data });
}

async function chatCompletion(parts: DoorParts, call: Call, options: OpenAiOptions): Promise<Response> {
  const body = call.body as ChatCompletionBody;
  const ids = idsOf(call.header);
  const { model: asked, isPlain } = askedModel(body.model, options.plainModels);
  const { withoutTools, ...use } = readToolUse(body);
  const functions = (body.tools ?? []).map((tool) => ({ ...tool.function, type: "function" }));
  const { definitions: callerTools } = readCallerTools(withoutTools ? [] : functions);
  const said = await saidIn(parts, body.messages.map(readMessage), ids);
  const door = await startDoorTurn(
    parts,
    {
      ...said,
      ...use,
      model: asked,
      streaming: body.stream ? true : undefined,
      temperature: body.temperature ?? undefined,
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
      callerTools,
      withoutTools: withoutTools || isPlain,
      only: toolsIn(call.header),
      isSingle: true,
    },
    ids,
  );
  const { provider, model } = door.model;
  const completion = new ChatCompletion({
    place: { conversationId: door.session.id, turnId: door.turn.turnId },
    created: Math.floor(parts.now() / 1000),
    model: `${provider}/${model}`,
    callerTools: new Set(callerTools.map(({ name }) => name)),
  });
  const view = chatView(completion, {
    includeUsage: body.stream_options?.include_usage === true,
    eventsOf: call.header("x-mcp-events") === "1" ? toolEvents(door) : () => [],
  });
  return showTurn(door, view, { streaming: body.stream === true, keepAliveMs: options.keepAliveMs, gone: call.gone });
}

/** What a conversation of the host was about is in its log: what comes after the last answer counts, results of the caller's tools and words of its user. */
async function saidIn({ sessions }: DoorParts, messages: Message[], { conversationId }: CallIds): Promise<Said> {
  if (conversationId === undefined) {
    const said = asSaid(messages);
    return { ...said, history: withToldIds(await withToldTurns(sessions, said.history)) };
  }
  const { system, content } = asSaid(messages);
  const latest = messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
  const results = latest.filter(({ role }) => role === "tool");
  if (content.length + results.length === 0) {
    const text = "in a conversation of the host the last message is the user's, or a tool's";
    throw new ApiError(400, "invalid_body", text, "messages");
  }
  const said = system === undefined ? { content } : { content, system };
  if (results.length === 0) return { ...said, history: [] };
  const events = await sessions.history(conversationId);
  return { ...said, history: withResultsFirst(results, { conversationId, events }) };
}

interface ChatViewOptions {
  includeUsage: boolean;
  /** What is shown of an event beside the chunks. */
  eventsOf: (event: TurnEvent) => StreamedEvent[];
}

function chatView(completion: ChatCompletion, { includeUsage, eventsOf }: ChatViewOptions): TurnView {
  const wrapped = (chunks: readonly object[]) => chunks.map((data) => ({ data }));
  const done = { data: "[DONE]" };
  return {
    start: () => wrapped([completion.start()]),
    take: (event) => [...wrapped(completion.take(event)), ...eventsOf(event)],
    end: () => [...wrapped(completion.end(includeUsage)), done],
    fail: ({ body }) => [{ data: body }, done],
    whole: () => completion.whole(),
    get isShown() {
      return completion.isShown;
    },
  };
}

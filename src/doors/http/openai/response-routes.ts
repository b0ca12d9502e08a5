import type { StoredEvent } from "../../../core/events.js";
import type { DoorParts } from "../../shared/door.js";
import { foreignClient } from "../clients.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { responseBody } from "../shared/api-schemas.js";
import { type FormatBody, readOutput } from "../shared/read-output.js";
import { startApiTurn } from "../turns/api-turn.js";
import { callContextOf, turnHeaders } from "../turns/call-headers.js";
import { type CallInput, splitMessages } from "../turns/call-input.js";
import { type ApiTool, type CallerTools, readCallerTools } from "../turns/caller-tools.js";
import { commonOptions } from "../turns/common-options.js";
import { LoggedTurns } from "../turns/logged-turns.js";
import { readToolUse, type ToolUseBody } from "../turns/read-tool-use.js";
import type { Attempt, RepeatedCalls } from "../turns/repeated-calls.js";
import { withResultsOfOpenCalls } from "../turns/sent-results.js";
import { showTurn } from "../turns/show-turn.js";
import { type TurnKey, turnKeyOfResponse } from "../turns/turn-ids.js";
import {
  type Continued,
  type ConversationFields,
  conversationIdIn,
  conversationOf,
  startOrCopy,
} from "./continued-response.js";
import { type AskedFields, askedIn } from "./response-fields.js";
import { type InputItem, readInput } from "./response-input.js";
import { ResponseView } from "./response-view.js";

interface ResponseBody extends ToolUseBody, ConversationFields {
  model?: string | null;
  input: string | InputItem[];
  instructions?: string | null;
  stream?: boolean | null;
  store?: boolean | null;
  temperature?: number | null;
  max_output_tokens?: number | null;
  tools?: ApiTool[] | null;
  text?: { format?: FormatBody | null } | null;
}

interface ResponseOptions {
  keepAliveMs: number;
  plainModels: readonly string[];
  attempts: RepeatedCalls;
}

export function responseRoutes(parts: DoorParts, options: ResponseOptions): ApiRoute[] {
  return [
    {
      method: "POST",
      path: "/v1/responses",
      summary: "Runs a turn and answers with a response. previous_response_id or conversation continues a conversation",
      headers: turnHeaders,
      body: responseBody,
      run: (call) => options.attempts.during(call, (attempt) => create(parts, call, { ...options, attempt })),
    },
    {
      method: "GET",
      path: "/v1/responses/{id}",
      summary: "A response, as much of it as the log has",
      run: (call) => read(parts, call.path("id")),
    },
  ];
}

async function create(
  parts: DoorParts,
  call: ApiCall,
  options: ResponseOptions & { attempt: Attempt | undefined },
): Promise<Response> {
  const { keepAliveMs, plainModels, attempt } = options;
  const body = call.body as ResponseBody;
  const conversation = await conversationOf(parts, body, callContextOf(call.header));
  const toolUse = readToolUse(body);
  const tools = readCallerTools(toolUse.withoutTools ? [] : (body.tools ?? []));
  const output = await readOutput(body.text?.format, "text.format");
  const asked = askedIn(body, {
    tools: (body.tools ?? []).filter(({ type }) => !tools.ignored.includes(type)),
    conversationId: conversationIdIn(body),
  });
  const turnCall = {
    ...commonOptions(call, plainModels, { toolUse, tools, output, maxTokens: body.max_output_tokens }),
    asked: Object.keys(asked).length > 0 ? asked : undefined,
  };
  const start = async (continued: Continued) => {
    const input = await responseInputOf(parts, body, continued);
    const bringsAll = body.store === false || input.history.length > 0;
    return startApiTurn(parts, { ...input, ...turnCall, bringsAll }, continued.context);
  };
  const apiTurn = await startOrCopy(conversation, start);
  if (tools.ignored.length > 0) apiTurn.headers["x-mcp-ignored-tools"] = tools.ignored.join(", ");
  const view = viewOf(
    parts,
    { conversationId: apiTurn.session.id, turnId: apiTurn.turn.turnId },
    {
      model: `${apiTurn.model.provider}/${apiTurn.model.model}`,
      createdAt: Math.floor(parts.now() / 1000),
      asked,
      callerTool: tools.find,
      readsServerCalls: !foreignClient(call.header)?.refusesServerCalls,
    },
  );
  return showTurn(apiTurn, view, { streaming: body.stream === true, keepAliveMs, gone: call.gone, attempt });
}

/** Reads the input and the instructions of a call. The result does not contain the stored conversation that the call continues. */
async function responseInputOf(
  parts: DoorParts,
  body: ResponseBody,
  { context, events, continues: last }: Continued,
): Promise<CallInput> {
  const items: InputItem[] = typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input;
  const { conversationId, requestId } = context;
  const turns = new LoggedTurns(parts.sessions);
  const sent = await readInput({ hub: parts.hub, turns }, items);
  const isNew = conversationId === undefined;
  const { messages, continues = last } = isNew
    ? { messages: sent }
    : withResultsOfOpenCalls(sent, { events, requestId });
  const read = turns.withModelIds(messages);
  const { resultIds } = turns;
  const input = {
    ...splitMessages(body.instructions ? [{ role: "system", content: body.instructions }, ...read] : read),
    resultIds,
  };
  return continues === undefined ? input : { ...input, continues };
}

async function read(parts: DoorParts, id: string): Promise<Response> {
  const turnKey = turnKeyOfResponse(id);
  const events = turnKey ? await turnEvents(parts, turnKey) : [];
  const [first] = events;
  if (!turnKey || first?.type !== "user_message")
    throw new ApiError(404, "not_found", "there is no such response", "id");
  const answer = events.find((event) => event.type === "assistant_message");
  const asked: AskedFields = first.asked ?? {};
  const view = viewOf(parts, turnKey, {
    model: answer?.type === "assistant_message" ? `${answer.provider}/${answer.model}` : "",
    createdAt: Math.floor(first.at / 1000),
    asked,
    callerTool: asked.tools ? readCallerTools(asked.tools).find : calledTools(events),
    readsServerCalls: true,
  });
  for (const event of events) view.take(event);
  return Response.json(view.whole());
}

/**
 * Returns a look-up of the caller's tools, for a turn whose stored call does not list them. A tool that the model called is a caller's tool
 * if the log has no `tool_call` event for the call.
 */
function calledTools(events: readonly StoredEvent[]): CallerTools["find"] {
  const planned = new Set(events.flatMap((event) => (event.type === "tool_call" ? [event.call.name] : [])));
  const called = events.flatMap((event) =>
    event.type === "assistant_message" ? event.message.toolCalls.map(({ name }) => name) : [],
  );
  const names = new Set(called.filter((name) => !planned.has(name)));
  return (name) => (names.has(name) ? { type: "function", name } : undefined);
}

function viewOf(
  parts: DoorParts,
  turnKey: TurnKey,
  facts: Omit<ConstructorParameters<typeof ResponseView>[0], "turnKey" | "serverOf">,
): ResponseView {
  const serverOf = (name: string) => parts.hub.tools().find((tool) => tool.name === name);
  return new ResponseView({ ...facts, turnKey, serverOf });
}

async function turnEvents(parts: DoorParts, { conversationId, turnId }: TurnKey): Promise<StoredEvent[]> {
  return (await parts.sessions.history(conversationId)).filter((event) => event.turnId === turnId);
}

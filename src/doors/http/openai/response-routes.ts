import type { StoredEvent } from "../../../core/events.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { responseBody } from "../shared/api-schemas.js";
import { type FormatBody, readOutput } from "../shared/read-output.js";
import { idsOf, toolsIn, turnHeaders } from "../turns/call-headers.js";
import { type CallerTools, readCallerTools, type WireTool } from "../turns/caller-tools.js";
import { askedModel, startDoorTurn } from "../turns/door-turn.js";
import { LoggedTurns } from "../turns/logged-turns.js";
import { readToolUse, type ToolUseBody } from "../turns/read-tool-use.js";
import type { Attempt, RepeatedCalls } from "../turns/repeated-calls.js";
import { asSaid, type Said } from "../turns/said.js";
import { withOpenResults } from "../turns/sent-results.js";
import { showTurn } from "../turns/show-turn.js";
import { placeOfResponse, type TurnPlace } from "../turns/turn-place.js";
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
  tools?: WireTool[] | null;
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
      summary: "A turn as a response; previous_response_id or conversation continues that conversation",
      headers: turnHeaders,
      body: responseBody,
      run: (call) => options.attempts.during(call, (attempt) => create(parts, call, { ...options, attempt })),
    },
    {
      method: "GET",
      path: "/v1/responses/{id}",
      summary: "A response as far as it is in the log",
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
  const conversation = await conversationOf(parts, body, idsOf(call.header));
  const { model, isPlain } = askedModel(body.model, plainModels);
  const { withoutTools, ...use } = readToolUse(body);
  const tools = readCallerTools(withoutTools ? [] : (body.tools ?? []));
  const output = await readOutput(body.text?.format, "text.format");
  const asked = askedIn(body, {
    tools: (body.tools ?? []).filter(({ type }) => !tools.ignored.includes(type)),
    conversationId: conversationIdIn(body),
  });
  const turnCall = {
    ...use,
    output,
    model,
    streaming: body.stream ? true : undefined,
    temperature: body.temperature ?? undefined,
    maxTokens: body.max_output_tokens ?? undefined,
    callerTools: tools.definitions,
    withoutTools: withoutTools || isPlain,
    only: toolsIn(call.header),
    asked: Object.keys(asked).length > 0 ? asked : undefined,
  };
  const start = async (continued: Continued) => {
    const said = await saidIn(parts, body, continued);
    const isSingle = body.store === false || said.history.length > 0;
    return startDoorTurn(parts, { ...said, ...turnCall, isSingle }, continued.ids);
  };
  const door = await startOrCopy(conversation, start);
  if (tools.ignored.length > 0) door.headers["x-mcp-ignored-tools"] = tools.ignored.join(", ");
  const view = viewOf(
    parts,
    { conversationId: door.session.id, turnId: door.turn.turnId },
    {
      model: `${door.model.provider}/${door.model.model}`,
      createdAt: Math.floor(parts.now() / 1000),
      asked,
      callerTool: tools.find,
    },
  );
  return showTurn(door, view, { streaming: body.stream === true, keepAliveMs, gone: call.gone, attempt });
}

/** Reads the input and the instructions of a call. The result does not contain the stored conversation that the call continues. */
async function saidIn(
  parts: DoorParts,
  body: ResponseBody,
  { ids, events, continues: last }: Continued,
): Promise<Said> {
  const items: InputItem[] = typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input;
  const { conversationId, requestId } = ids;
  const turns = new LoggedTurns(parts.sessions);
  const input = await readInput({ hub: parts.hub, turns }, items);
  const isNew = conversationId === undefined;
  const { messages, continues = last } = isNew ? { messages: input } : withOpenResults(input, { events, requestId });
  const read = turns.withModelIds(messages);
  const { resultIds } = turns;
  const said = {
    ...asSaid(body.instructions ? [{ role: "system", content: body.instructions }, ...read] : read),
    resultIds,
  };
  return continues === undefined ? said : { ...said, continues };
}

async function read(parts: DoorParts, id: string): Promise<Response> {
  const place = placeOfResponse(id);
  const events = place ? await turnEvents(parts, place) : [];
  const [first] = events;
  if (!place || first?.type !== "user_message") throw new ApiError(404, "not_found", "there is no such response", "id");
  const answer = events.find((event) => event.type === "assistant_message");
  const asked: AskedFields = first.asked ?? {};
  const view = viewOf(parts, place, {
    model: answer?.type === "assistant_message" ? `${answer.provider}/${answer.model}` : "",
    createdAt: Math.floor(first.at / 1000),
    asked,
    callerTool: asked.tools ? readCallerTools(asked.tools).find : calledTools(events),
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
  place: TurnPlace,
  facts: Omit<ConstructorParameters<typeof ResponseView>[0], "place" | "serverOf">,
): ResponseView {
  const serverOf = (name: string) => parts.hub.tools().find((tool) => tool.name === name);
  return new ResponseView({ ...facts, place, serverOf });
}

async function turnEvents(parts: DoorParts, { conversationId, turnId }: TurnPlace): Promise<StoredEvent[]> {
  return (await parts.sessions.history(conversationId)).filter((event) => event.turnId === turnId);
}

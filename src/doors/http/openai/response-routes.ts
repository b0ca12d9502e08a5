import { RequestError } from "../../../core/errors.js";
import type { StoredEvent } from "../../../core/events.js";
import type { DoorParts } from "../../shared/door.js";
import { ownConversation } from "../../shared/own-conversation.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { responseBody } from "../shared/api-schemas.js";
import { type FormatBody, readOutput } from "../shared/read-output.js";
import { type CallerTools, readCallerTools, type WireTool } from "../turns/caller-tools.js";
import {
  askedModel,
  type DoorTurn,
  dialogueOf,
  idsOf,
  requireId,
  startDoorTurn,
  toolsIn,
  turnHeaders,
  type WireCallIds,
} from "../turns/door-turn.js";
import { LoggedTurns, withResultsFirst } from "../turns/logged-turns.js";
import { readToolUse, type ToolUseBody } from "../turns/read-tool-use.js";
import type { Attempt, RepeatedCalls } from "../turns/repeated-calls.js";
import { asSaid, type Said } from "../turns/said.js";
import { showTurn } from "../turns/show-turn.js";
import { placeOfResponse, type TurnPlace } from "../turns/turn-place.js";
import { type AskedFields, askedIn } from "./response-fields.js";
import { type InputItem, readInput } from "./response-input.js";
import { ResponseView } from "./response-view.js";

interface ResponseBody extends ToolUseBody {
  model?: string | null;
  input: string | InputItem[];
  instructions?: string | null;
  previous_response_id?: string | null;
  conversation?: string | { id: string } | null;
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
    conversationId: namedIn(body),
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

/** Starts the turn. If another call has continued the same response before, the turn continues a copy of the conversation. */
async function startOrCopy(
  conversation: Continued,
  start: (continued: Continued) => Promise<DoorTurn>,
): Promise<DoorTurn> {
  try {
    return await start(conversation);
  } catch (error) {
    const isOvertaken = error instanceof RequestError && error.kind === "busy";
    if (!isOvertaken || !conversation.copied) throw error;
    return start(await conversation.copied());
  }
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
  const { messages, continues = last } = isNew ? { messages: input } : withResultsFirst(input, { events, requestId });
  const read = turns.withModelIds(messages);
  const said = asSaid(body.instructions ? [{ role: "system", content: body.instructions }, ...read] : read);
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

interface Continued {
  ids: WireCallIds;
  events: readonly StoredEvent[];
  /** Number of the last event of the previous response, if that response is the last one of its conversation. See `Said`. */
  continues?: number;
  /** Makes a copy of the conversation. Used if another call continues the same response before this one. */
  copied?: () => Promise<Continued>;
}

/**
 * Returns the conversation that a call continues. If the previous response is not the last of its conversation, the call continues a copy
 * of the conversation. The copy ends with the previous response.
 */
async function conversationOf(parts: DoorParts, body: ResponseBody, ids: WireCallIds): Promise<Continued> {
  const previous = body.previous_response_id ?? undefined;
  const named = namedIn(body);
  const places = [previous, named, ids.conversationId].filter((place) => place !== undefined);
  if (places.length > 1) {
    const text = "previous_response_id, conversation and X-Conversation-Id each name a conversation: give one of them";
    throw new ApiError(400, "invalid_body", text, "previous_response_id");
  }
  if (previous !== undefined) return afterResponse(parts, previous, ids);
  const conversationId = named ?? ids.conversationId;
  if (conversationId === undefined) return { ids, events: [] };
  return { ids: { ...ids, conversationId }, events: await parts.sessions.history(conversationId) };
}

/** Returns the conversation id in the field `conversation`. Throws ApiError if the id is invalid. */
function namedIn({ conversation }: ResponseBody): string | undefined {
  const id = typeof conversation === "object" ? conversation?.id : conversation;
  return id === undefined ? undefined : requireId(id, "conversation");
}

async function afterResponse(parts: DoorParts, previous: string, ids: WireCallIds): Promise<Continued> {
  const place = placeOfResponse(previous);
  const events = place ? await parts.sessions.history(place.conversationId) : [];
  const end = events.findLast(({ turnId }) => turnId === place?.turnId);
  if (!place || !end) {
    const text = `Previous response with id '${previous.slice(0, 200)}' not found.`;
    throw new ApiError(404, "previous_response_not_found", text, "previous_response_id");
  }
  const begin = events.find(({ turnId }) => turnId === place.turnId);
  const takesBack = (event: StoredEvent) =>
    event.type === "rewind" && event.seq > end.seq && (begin?.seq ?? 0) > event.toSeq;
  if (events.some(takesBack)) {
    const text = `Previous response with id '${previous.slice(0, 200)}' was taken back in its conversation.`;
    throw new ApiError(404, "previous_response_not_found", text, "previous_response_id");
  }
  const { conversationId } = place;
  const requests = events.filter((event) => event.type === "user_message");
  const isLast = requests.at(-1)?.turnId === place.turnId;
  const isRepeated = ids.requestId !== undefined && requests.some(({ requestId }) => requestId === ids.requestId);
  const [first] = requests;
  const dialogue = first && { dialogue: dialogueOf(first) };
  const copied = async () => {
    const to = ownConversation(ids.requestId, place, parts);
    const isThere = async () => (await parts.sessions.history(to)).length > 0;
    if (!(await isThere())) {
      await parts.sessions.conversations.fork(conversationId, { to, toSeq: end.seq }).catch(async (error: unknown) => {
        if (!(await isThere())) throw error; // otherwise a repetition of this call has made the copy
      });
    }
    return { ids: { ...ids, conversationId: to, ...dialogue }, events: await parts.sessions.history(to) };
  };
  if (isLast) return { ids: { ...ids, conversationId, ...dialogue }, events, continues: end.seq, copied };
  return isRepeated ? { ids: { ...ids, conversationId, ...dialogue }, events } : copied();
}

async function turnEvents(parts: DoorParts, { conversationId, turnId }: TurnPlace): Promise<StoredEvent[]> {
  return (await parts.sessions.history(conversationId)).filter((event) => event.turnId === turnId);
}

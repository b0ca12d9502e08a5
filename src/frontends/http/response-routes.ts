import type { StoredEvent } from "../../core/chat.js";
import type { DoorParts } from "../door.js";
import type { Call, Route } from "./api.js";
import { type CallIds, idsOf, startDoorTurn, toolsIn, turnHeaders } from "./door-turn.js";
import { ApiError } from "./errors.js";
import { type ChatMessage, type Content, callerTool, readMessages } from "./messages.js";
import { placeOf, type ResponsePlace, responseId } from "./response-id.js";
import { ResponseView } from "./response-view.js";
import { responseBody } from "./schemas.js";
import { requireOwnHistory, showTurn } from "./show-turn.js";

interface InputItem {
  type?: string | null;
  role?: "system" | "developer" | "user" | "assistant";
  content?: Content;
  call_id?: string;
  name?: string;
  arguments?: string;
  output?: Content;
}

interface ResponseBody {
  model?: string | null;
  input: string | InputItem[];
  instructions?: string | null;
  previous_response_id?: string | null;
  stream?: boolean | null;
  temperature?: number | null;
  max_output_tokens?: number | null;
  tools?: { type: string; name?: string; description?: string | null; parameters?: object | null }[] | null;
  tool_choice?: unknown;
}

export function responseRoutes(parts: DoorParts, { keepAliveMs }: { keepAliveMs: number }): Route[] {
  return [
    {
      method: "POST",
      path: "/v1/responses",
      summary: "A turn as a response; previous_response_id goes on with the conversation of that response",
      headers: turnHeaders,
      body: responseBody,
      run: (call) => create(parts, call, keepAliveMs),
    },
    {
      method: "GET",
      path: "/v1/responses/{id}",
      summary: "A response as far as it is in the log",
      run: (call) => read(parts, call.path("id")),
    },
  ];
}

async function create(parts: DoorParts, call: Call, keepAliveMs: number): Promise<Response> {
  const body = call.body as ResponseBody;
  const ids = await conversationOf(parts, body, idsOf(call.header));
  const withoutTools = body.tool_choice === "none";
  const functions = (body.tools ?? []).filter(({ type }) => type === "function");
  const callerTools = withoutTools ? [] : functions.map(callerTool);
  const continues = ids.conversationId !== undefined;
  requireOwnHistory(callerTools.length, continues);
  const input = typeof body.input === "string" ? [{ role: "user" as const, content: body.input }] : body.input;
  const said = readMessages([
    ...(body.instructions ? [{ role: "system" as const, content: body.instructions }] : []),
    ...withCallsTogether(input.flatMap(readItem)),
  ]);
  if (continues && (said.content.length === 0 || said.history.length > 0)) {
    throw new ApiError(
      400,
      "invalid_body",
      "what goes on with a conversation of the host is the user's message",
      "input",
    );
  }
  const door = await startDoorTurn(
    parts,
    {
      ...said,
      model: body.model ?? undefined,
      streaming: body.stream ? true : undefined,
      temperature: body.temperature ?? undefined,
      maxTokens: body.max_output_tokens ?? undefined,
      callerTools,
      withoutTools,
      only: toolsIn(call.header),
    },
    ids,
  );
  const view = viewOf(
    parts,
    { conversationId: door.session.id, turnId: door.turn.turnId },
    {
      model: `${door.model.provider}/${door.model.model}`,
      createdAt: Math.floor(parts.now() / 1000),
      previousResponseId: body.previous_response_id ?? undefined,
      instructions: body.instructions ?? undefined,
      callerTools: new Set(callerTools.map(({ name }) => name)),
    },
  );
  return showTurn(door, view, { streaming: body.stream === true, keepAliveMs, gone: call.gone });
}

async function read(parts: DoorParts, id: string): Promise<Response> {
  const place = placeOf(id);
  const events = place ? await turnEvents(parts, place) : [];
  const [first] = events;
  if (!place || first?.type !== "user_message") throw new ApiError(404, "not_found", "there is no such response", "id");
  const answer = events.find((event) => event.type === "assistant_message");
  const calls = answer?.type === "assistant_message" ? answer : undefined;
  const view = viewOf(parts, place, {
    model: calls ? `${calls.provider}/${calls.model}` : "",
    createdAt: Math.floor(first.at / 1000),
    callerTools: callersIn(events),
  });
  for (const event of events) view.take(event);
  return Response.json(view.whole());
}

/** A call that an ended answer has and that was never planned is the caller's. */
function callersIn(events: readonly StoredEvent[]): Set<string> {
  const planned = new Set(events.flatMap((event) => (event.type === "tool_call" ? [event.call.name] : [])));
  const called = events.flatMap((event) =>
    event.type === "assistant_message" ? event.message.toolCalls.map(({ name }) => name) : [],
  );
  return new Set(called.filter((name) => !planned.has(name)));
}

function viewOf(
  parts: DoorParts,
  place: ResponsePlace,
  facts: Omit<ConstructorParameters<typeof ResponseView>[0], "id" | "serverOf">,
): ResponseView {
  const serverOf = (name: string) => parts.hub.tools().find((tool) => tool.name === name);
  return new ResponseView({ ...facts, id: responseId(place), serverOf });
}

/** Goes on where the conversation ends: what was said after a response cannot be unsaid. */
async function conversationOf(parts: DoorParts, body: ResponseBody, ids: CallIds): Promise<CallIds> {
  const previous = body.previous_response_id ?? undefined;
  if (previous === undefined) return ids;
  const place = placeOf(previous);
  const events = place ? await parts.sessions.history(place.conversationId) : [];
  const param = "previous_response_id";
  if (!place || !events.some(({ turnId }) => turnId === place.turnId)) {
    throw new ApiError(404, "previous_response_not_found", "there is no such response", param);
  }
  const last = events.findLast((event) => event.type === "user_message");
  const isRepeated = last?.type === "user_message" && last.requestId === ids.requestId;
  if (last?.turnId !== place.turnId && !isRepeated) {
    throw new ApiError(
      400,
      "not_the_last_response",
      "only the last response of a conversation can be gone on with",
      param,
    );
  }
  return { ...ids, conversationId: place.conversationId };
}

async function turnEvents(parts: DoorParts, { conversationId, turnId }: ResponsePlace): Promise<StoredEvent[]> {
  return (await parts.sessions.history(conversationId)).filter((event) => event.turnId === turnId);
}

/** Here each call is an item, there the calls of one answer are one message. */
function withCallsTogether(messages: readonly ChatMessage[]): ChatMessage[] {
  const together: ChatMessage[] = [];
  for (const message of messages) {
    const last = together.at(-1);
    if (last?.role === "assistant" && message.tool_calls) {
      together[together.length - 1] = { ...last, tool_calls: [...(last.tool_calls ?? []), ...message.tool_calls] };
    } else together.push(message);
  }
  return together;
}

/** Items that only repeat what the host did (reasoning, `mcp_call`) are left out. */
function readItem(item: InputItem): ChatMessage[] {
  if (item.role) return [{ role: item.role, content: item.content }];
  if (item.type === "function_call") {
    const call = { id: item.call_id ?? "", function: { name: item.name ?? "", arguments: item.arguments ?? "" } };
    return [{ role: "assistant", content: null, tool_calls: [call] }];
  }
  if (item.type === "function_call_output") return [{ role: "tool", tool_call_id: item.call_id, content: item.output }];
  return [];
}

import type { StoredEvent } from "../../../src/core/events.js";
import { startApp, withoutNode } from "../../support/app.js";
import { startLlmServer } from "../../support/llm-server.js";
import type { HttpServer } from "../../support/mcp-http.js";
import type { Door } from "./door.js";
import type { Play, Scenario } from "./scenarios.js";

export interface Played {
  /** Events by the name that the scenario gives the conversation. */
  stored: Record<string, StoredEvent[]>;
  /** Conversations in the log that the scenario does not name. */
  others: string[];
  /** The field `stream` of each request to the provider. */
  streamed: unknown[];
}

/**
 * Plays a scenario through a door of a new host, with the tools of this server. The configuration says the opposite of the requests about
 * streaming.
 */
export async function played(
  tools: HttpServer,
  door: Door,
  scenario: Scenario,
  play: Play,
  streaming: boolean,
): Promise<Played> {
  await using llm = await startLlmServer(scenario.script());
  const configured = door.streamsByRequest ? !streaming : streaming;
  await using app = await startApp({
    llm: llm.url,
    mcpServers: { s: { url: tools.url } },
    config: { chat: { service: { approval: "auto", streaming: { enabled: configured }, ...scenario.service } } },
    streamRecovery: "fail",
  });
  const ids = new Map<string, string>();
  {
    await using opened = await door.open(app, streaming);
    await play(opened, llm);
    for (const name of Object.keys(scenario.stored)) ids.set(name, (await opened.idOf?.(name)) ?? name);
  }
  const known = new Set(ids.values());
  const others = (await app.sessions.conversations.list({ most: 100, includesHidden: true })).conversations
    .map(({ conversationId }) => conversationId)
    .filter((id) => !known.has(id));
  const entries = [...ids].map(async ([name, id]) => [name, await app.sessions.history(id)] as const);
  const streamed = llm.requests.map(({ body }) => body.stream ?? false);
  return { stored: Object.fromEntries(await Promise.all(entries)), others, streamed };
}

/**
 * Returns the events without parts that differ from run to run. Times are removed, ids of turns and questions are numbered, and the results
 * of one batch are in the order of their calls. Request ids are numbered too if the door makes them itself. The model that a request names is
 * removed, because some APIs require it.
 */
export function comparable(events: readonly StoredEvent[], { ownRequestIds }: { ownRequestIds: boolean }): Fields[] {
  const ids = new Map<unknown, string>();
  const byOrder = (id: unknown) => {
    const known = ids.get(id) ?? `id ${ids.size + 1}`;
    ids.set(id, known);
    return known;
  };
  const made = new Set(["turnId", "questionId", ...(ownRequestIds ? ["requestId"] : [])]);
  const named = events.map(withoutNode).map(({ at: _, seq: __, ...event }): Fields => {
    const fields = Object.entries(event).map(([field, value]) => [field, made.has(field) ? byOrder(value) : value]);
    const { model, ...rest } = Object.fromEntries(fields) as Fields;
    return model === undefined || rest.type === "user_message" ? rest : { ...rest, model };
  });
  return batches(named).flatMap((batch) =>
    batch.sort((one, other) => String(one.callId).localeCompare(String(other.callId))),
  );
}

type Fields = Record<string, unknown>;

/** Groups adjacent tool results; every other event is a group of its own. */
function batches(events: readonly Fields[]): Fields[][] {
  const all: Fields[][] = [];
  for (const event of events) {
    const last = all.at(-1);
    if (event.type === "tool_result" && last?.[0]?.type === "tool_result") last.push(event);
    else all.push([event]);
  }
  return all;
}

export function types(stored: Played["stored"]): Record<string, string[]> {
  return Object.fromEntries(Object.entries(stored).map(([id, events]) => [id, events.map(({ type }) => type)]));
}

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect as connectTo } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import { describe, expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { createParser } from "eventsource-parser";
import { ArrivingMessages } from "../../../src/core/async/arriving-messages.js";
import { newId } from "../../../src/core/ids.js";
import { pageAnswer, pageIn } from "../../../src/doors/http/routes/list-page.js";
import { type ApiCall, routesApp } from "../../../src/doors/http/shared/api.js";
import { type EventWriter, eventStream } from "../../../src/doors/http/shared/event-stream.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { type Message, readMessage } from "../../support/wire-messages.js";
import { openDoor, post } from "./door.js";

type Json = Record<string, unknown>;
const get = async (url: string) => (await fetch(url)).json() as Promise<Json>;
const asking = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };

/** Returns the events of a conversation up to the first one of this type. */
async function follow(
  url: string,
  last: string,
  headers: Record<string, string> = {},
): Promise<{ id?: string; message: Message }[]> {
  const response = await fetch(url, { headers });
  const events: { id?: string; message: Message }[] = [];
  const parser = createParser({ onEvent: ({ id, data }) => events.push({ id, message: readMessage(data) }) });
  for await (const bytes of response.body ?? []) {
    parser.feed(Buffer.from(bytes).toString());
    if (events.some(({ message }) => message.chunk.type === last)) break;
  }
  return events;
}

describe("a conversation over HTTP", () => {
  test("is read by pages from its end, each with the address of the page before, or streamed as a whole", async () => {
    await using llm = await startLlmServer(Array.from({ length: 3 }, () => answer("ok")));
    await using app = await startApp({ llm: llm.url, config: { chat: { storage: { driver: "memory" } } } });
    await using door = await openDoor(app);
    const id = "a conversation/1";
    const session = app.sessions.open(id);
    for (const text of ["one", "two", "three"]) {
      for await (const _ of session.prompt({ requestId: text, text }));
    }
    const url = `${door.url}/api/sessions/${encodeURIComponent(id)}`;
    const { messages: whole, ...beside } = (await get(url)) as { messages: Message[] };
    expect(beside).toEqual({});
    const seqs = new Set(whole.map(({ seq }) => seq));
    expect([...seqs]).toEqual(Array.from({ length: 9 }, (_, index) => index + 1));
    let messages: Message[] = [];
    let next: string | null = `${url}?limit=4`;
    let pages = 0;
    while (next) {
      const page = (await get(next)) as { messages: Message[]; previous: string | null };
      expect(page.messages.at(-1)?.chunk.type).toBe("history_end");
      messages = [...page.messages.slice(0, -1), ...messages];
      next = page.previous && new URL(page.previous, door.url).href;
      pages++;
    }
    expect(pages).toBe(3);
    expect(messages).toEqual(whole.slice(0, -1));
    expect(((await get(`${url}?from=8`)) as { messages: Message[] }).messages).toEqual(
      whole.filter(({ seq }) => Number(seq) >= 8),
    );
    for (const query of ["limit=0", "limit=1001", "before=x", "from=2&limit=3"]) {
      expect((await fetch(`${url}?${query}`)).status).toBe(400);
    }
  });

  test("is followed again after a cut in the middle of an answer, without a gap", async () => {
    await using llm = await startLlmServer([answer("Fine.", { reasoning: "Let me see." })]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const url = `${door.url}/api/sessions/c1`;
    await post(`${url}/turns`, { request_id: "r1", text: "hi" });
    await follow(`${url}/events`, "turn_end");
    const stored = await follow(`${url}/events`, "turn_end");
    expect(stored.map(({ id, message: { chunk } }) => [id, chunk.type])).toEqual([
      ["1", "user_message"],
      [undefined, "reasoning"],
      [undefined, "text"],
      ["2", "usage"],
      ["3", "turn_end"],
    ]);
  });

  test("is begun, followed, asked about, answered, read and listed", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("allowed")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: asking });
    await using door = await openDoor(app);
    const url = `${door.url}/api/sessions/c1`;
    expect((await fetch(`${url}/events`)).status).toBe(404);
    const begun = await post(`${url}/turns`, { request_id: "r1", text: "hi" });
    expect(begun.status).toBe(202);
    expect(await begun.json()).toMatchObject({ conversation_id: "c1", request_id: "r1", cached: false });

    const first = await follow(`${url}/events`, "question");
    const { question_id } = (first.at(-1)?.message.chunk.data ?? {}) as { question_id: string };
    const ended = follow(`${url}/events`, "turn_end", { "last-event-id": first.at(-1)?.id ?? "" });
    for (const value of ["yes", null, { allow: "true" }, { allow: true, remember: "forever" }]) {
      const refused = await post(`${url}/answer`, { question_id, value });
      expect([refused.status, await refused.text()]).toEqual([
        400,
        expect.stringMatching(/expected true, false or|must be one of/),
      ]);
    }
    expect((await post(`${url}/answer`, { question_id, value: true })).status).toBe(204);
    const rest = await ended;
    const ids = [...first, ...rest].flatMap(({ id }) => (id ? [Number(id)] : []));
    expect([...new Set(ids)]).toEqual(Array.from({ length: new Set(ids).size }, (_, index) => index + 1));
    expect(rest.some(({ id, message: { chunk } }) => !id && chunk.type === "text")).toBe(true);
    expect((await post(`${url}/answer`, { question_id, value: true })).status).toBe(404);

    const { messages } = (await get(url)) as { messages: Message[] };
    expect(messages.map(({ chunk: { type } }) => type)).toContain("turn_end");
    const { sessions } = (await get(`${door.url}/api/sessions`)) as { sessions: Json[] };
    expect(sessions).toMatchObject([{ conversation_id: "c1", last_seq: Math.max(...ids) }]);
  });

  test("is deleted, but not while a turn of it runs", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__hang", arguments: {} }])]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    const url = `${door.url}/api/sessions/c1`;
    const remove = () => fetch(url, { method: "DELETE" });
    await post(`${url}/turns`, { request_id: "r1", text: "hi" });
    await llm.received(1);
    expect((await remove()).status).toBe(409);
    expect((await post(`${url}/cancel`, { request_id: "r1" })).status).toBe(204);
    await follow(`${url}/events`, "turn_end");
    expect((await remove()).status).toBe(204);
    expect((await fetch(url)).status).toBe(404);
    expect((await remove()).status).toBe(404);
  });

  test("refuses a turn, and a stream of events, that refer to an event it no longer has", async () => {
    await using llm = await startLlmServer([answer("ok"), answer("anew"), answer("more")]);
    await using app = await startApp({ llm: llm.url, config: { chat: { storage: { driver: "memory" } } } });
    await using door = await openDoor(app);
    const url = `${door.url}/api/sessions/c1`;
    for await (const _ of app.sessions.open("c1").prompt({ requestId: "r1", text: "hi" }));
    const [first] = await app.sessions.history("c1");
    const seen = { seq: 1, turn_id: first?.turnId };
    const turn = (request_id: string) => post(`${url}/turns`, { request_id, text: "on", seen });
    await app.sessions.delete("c1");
    const refused = await turn("r2");
    expect([refused.status, await refused.json()]).toMatchObject([
      404,
      { error: { code: "not_found", message: "the conversation c1 was deleted" } },
    ]);
    expect(await app.sessions.history("c1")).toEqual([]);
    for await (const _ of app.sessions.open("c1").prompt({ requestId: "r1", text: "hi" }));
    expect((await turn("r2")).status).toBe(404);
    const [anew] = await app.sessions.history("c1");
    Object.assign(seen, { turn_id: anew?.turnId });
    expect((await turn("r2")).status).toBe(202);
    for await (const _ of app.sessions.open("c1").prompt({ requestId: "r2", text: "on" }));
    expect((await post(`${url}/turns`, { request_id: "r3", text: "on", seen: { seq: 1 } })).status).toBe(400);
  });

  test("is cancelled", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__hang", arguments: {} }])]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    const url = `${door.url}/api/sessions/c1`;
    await post(`${url}/turns`, { request_id: "r1", text: "hi" });
    await follow(`${url}/events`, "tool_sent");
    expect((await post(`${url}/cancel`, { request_id: "r2" })).status).toBe(404);
    expect((await post(`${url}/cancel`, { request_id: "r1" })).status).toBe(204);
    const events = await follow(`${url}/events`, "turn_end");
    expect(events.at(-1)?.message.chunk.data).toEqual({ stop_reason: "cancelled" });
  });
});

test("conversations are listed page by page, and found by their titles", async () => {
  await using llm = await startLlmServer(() => answer("ok"));
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  for (const [id, text] of Object.entries({ a: "The weather", b: "a poem", c: "more WEATHER", d: "weather again" })) {
    await post(`${door.url}/api/sessions/${id}/turns`, { request_id: "r1", text });
    await follow(`${door.url}/api/sessions/${id}/events`, "turn_end");
  }
  const list = async (query: string) => {
    const { sessions, next } = (await get(`${door.url}/api/sessions?${query}`)) as { sessions: Json[]; next: string };
    return { ids: sessions.map(({ conversation_id }) => conversation_id), next };
  };
  const all = (await list("")).ids;
  expect(await list("limit=4")).toEqual({ ids: all, next: null });
  const first = await list("limit=3");
  expect(await list(`limit=3&before=${first.next}`)).toEqual({ ids: all.slice(3), next: null });
  expect(first.ids).toEqual(all.slice(0, 3));
  expect((await list("q=weather")).ids.toSorted()).toEqual(["a", "c", "d"]);
  expect((await list(`q=weather&limit=1&before=${(await list("q=weather&limit=1")).next}`)).ids).toEqual([
    all.filter((id) => id !== "b")[1],
  ]);
  for (const wrong of ["limit=0", "limit=1001", "limit=x", "before=x"]) {
    expect((await fetch(`${door.url}/api/sessions?${wrong}`)).status).toBe(400);
  }
});

test("usage has at most as many lines as are asked for, and the sum of the others", async () => {
  await using llm = await startLlmServer(() => answer("ok"));
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  for (const id of ["a", "b", "c"]) {
    await post(`${door.url}/api/sessions/${id}/turns`, { request_id: "r1", text: "hi" });
    await follow(`${door.url}/api/sessions/${id}/events`, "turn_end");
  }
  const usage = (query: string) => get(`${door.url}/api/usage?by=conversation${query}`);
  const all = await usage("");
  const line = { title: "hi", requests: 1 };
  expect(all).toMatchObject({ lines: [line, line, line], rest: null });
  expect(await usage("&limit=1")).toMatchObject({
    lines: [{ requests: 1 }],
    rest: { lines: 2, requests: 2 },
    total: all.total,
  });
  expect((await fetch(`${door.url}/api/usage?limit=1001`)).status).toBe(400);
  expect((await fetch(`${door.url}/api/usage?since=99999999999d`)).status).toBe(200);
});

test("an answer without a limit has at most 1,000 conversations, and the address of the next ones", () => {
  expect(pageIn({ query: (name: string) => (name === "before" ? "7" : undefined) } as ApiCall)).toEqual({
    most: 1_000,
    after: 7,
  });
  expect(pageAnswer({ conversations: [], next: 7 })).toEqual({ sessions: [], next: "7" });
});

describe("the versions of a conversation", () => {
  test("are one in lists, share title and pin, and say where they differ; without a message, a version is hidden", async () => {
    await using llm = await startLlmServer(["one", "two", "other", "third"].map((text) => answer(text)));
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const url = `${door.url}/api/sessions`;
    const say = async (id: string, text: string) => {
      await post(`${url}/${id}/turns`, { request_id: text, text });
      await follow(`${url}/${id}/events?from=1`, "turn_end");
      await app.sessions.open(id).turns.idle();
    };
    const fork = async (id: string, to_seq: number) => {
      const made = await post(`${url}/${id}/fork`, { to_seq, is_version: true });
      expect(made.status).toBe(201);
      return ((await made.json()) as { conversation_id: string }).conversation_id;
    };
    const listed = async (query = "") => ((await get(`${url}${query}`)) as { sessions: Json[] }).sessions;
    await say("c1", "first");
    await say("c1", "second");
    const label = await fetch(`${url}/c1`, {
      method: "PATCH",
      body: JSON.stringify({ title: " A  trip\n", pinned: true }),
    });
    expect(await label.json()).toMatchObject({ conversation_id: "c1", title: "A trip", pinned: true, state: "idle" });
    const second = await fork("c1", 3);
    expect(await listed()).toMatchObject([{ conversation_id: "c1", version_of: null }]);
    await say(second, "the second one anew");
    const shown = { conversation_id: second, title: "A trip", pinned: true, version_of: "c1" };
    expect(await listed()).toMatchObject([shown]);
    expect(await listed("?pinned=true")).toMatchObject([shown]);
    const empty = await fork("c1", 0);
    await say(empty, "the first one anew");
    expect(await listed()).toMatchObject([{ conversation_id: empty }]);
    expect(await listed("?q=anew")).toMatchObject([{ conversation_id: empty }]);
    const versions = async (id: string) => {
      const found = ((await get(`${url}/${id}/versions`)) as { versions: Json[] }).versions;
      return found.map(({ conversation_id, to_seq }) => [conversation_id, to_seq]);
    };
    expect(await versions("c1")).toEqual([
      ["c1", 3],
      [second, 3],
      [empty, 0],
    ]);
    expect(await versions(second)).toEqual([
      ["c1", 4],
      [second, 4],
      [empty, 1],
    ]);
    expect((await fetch(`${url}/none/versions`)).status).toBe(404);
    expect((await fetch(`${url}/none`, { method: "PATCH", body: "{}" })).status).toBe(404);
    const long = await fetch(`${url}/c1`, { method: "PATCH", body: JSON.stringify({ title: "x".repeat(201) }) });
    expect(long.status).toBe(400);
    await fetch(`${url}/c1`, { method: "PATCH", body: JSON.stringify({ title: null }) });
    expect(await listed()).toMatchObject([{ conversation_id: empty, title: "the first one anew" }]);
    expect((await post(`${url}/${second}/rewind`, { to_seq: 4 })).status).toBe(204);
    expect(await listed()).toMatchObject([{ conversation_id: second, title: "first", state: "idle" }]);
    expect((await fetch(`${url}/c1`, { method: "DELETE" })).status).toBe(204);
    expect(await listed()).toEqual([]);
  });
});

test("everything is exported as lines of JSON, and deleted after a confirmation", async () => {
  await using llm = await startLlmServer([answer("one"), answer("two")]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  for (const id of ["c1", "c2"]) for await (const _ of app.sessions.open(id).prompt({ requestId: "r", text: id }));
  const lines = (await (await fetch(`${door.url}/api/export`)).text()).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { conversation_id: "c2", title: "c2", events: [{ seq: 1 }, { seq: 2 }, { seq: 3, type: "turn_end" }] },
    { conversation_id: "c1", title: "c1" },
  ]);
  const remove = (body: object) => fetch(`${door.url}/api/sessions`, { method: "DELETE", body: JSON.stringify(body) });
  expect((await remove({ confirm: "yes" })).status).toBe(400);
  expect(await (await remove({ confirm: "delete everything" })).json()).toEqual({ deleted: 2, busy: [] });
  expect((await get(`${door.url}/api/sessions`)).sessions).toEqual([]);
});

test("a list says which conversation runs and which waits for an answer; a search finds words of answers", async () => {
  await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("Lisbon is warm")]);
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: asking });
  await using door = await openDoor(app);
  const url = `${door.url}/api/sessions`;
  const listed = async (query = "") => ((await get(`${url}${query}`)) as { sessions: Json[] }).sessions;
  await post(`${url}/c1/turns`, { request_id: "r1", text: "hi" });
  const asked = await follow(`${url}/c1/events`, "question");
  expect(await listed()).toMatchObject([{ state: "waiting" }]);
  const { question_id } = (asked.at(-1)?.message.chunk.data ?? {}) as { question_id: string };
  await post(`${url}/c1/answer`, { question_id, value: true });
  await follow(`${url}/c1/events`, "turn_end");
  await app.sessions.open("c1").turns.idle();
  expect(await listed("?q=LISBON")).toMatchObject([{ conversation_id: "c1", state: "idle" }]);
  expect(await listed("?q=Porto")).toEqual([]);
});

test("a conversation is copied, and written as a file without secrets that no browser shows as a page of the host", async () => {
  await using llm = await startLlmServer([answer("it is sk-test-0123456789"), answer("again")]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  const url = `${door.url}/api/sessions/c1`;
  for (const requestId of ["r1", "r2"]) {
    await post(`${url}/turns`, { request_id: requestId, text: `say ${requestId}` });
    await app.sessions.open("c1").turns.idle();
  }
  const ended = (await app.sessions.history("c1")).find(({ type }) => type === "turn_end")?.seq;
  const forked = await post(`${url}/fork`, { to_seq: ended });
  expect(forked.status).toBe(201);
  const { conversation_id: copy } = (await forked.json()) as { conversation_id: string };
  const types = (await app.sessions.history(copy)).map(({ type }) => type);
  expect(types).toEqual(["fork", "user_message", "assistant_message", "turn_end"]);
  for (const format of ["md", "json", "html"]) {
    const file = await fetch(`${url}/export?format=${format}`);
    expect(file.headers.get("content-disposition")).toBe(`attachment; filename="c1.${format}"`);
    expect(file.headers.get("content-security-policy")).toBe("sandbox");
    const text = await file.text();
    expect(text).toContain("say r2");
    expect(text).not.toContain("sk-test-0123456789");
  }
  expect((await fetch(`${url}/export?format=exe`)).status).toBe(400);
});

test("the file of a conversation does not contain the token of the door", async () => {
  const token = "correct-horse-battery";
  await using llm = await startLlmServer([answer(`it is ${token}`)]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app, { token });
  for await (const _ of app.sessions.open("c1").prompt({ requestId: "r1", text: "hi" }));
  const headers = { authorization: `Bearer ${token}` };
  const file = await fetch(`${door.url}/api/sessions/c1/export?format=md`, { headers });
  expect(await file.text()).toContain("it is [redacted]");
});

describe("the host over HTTP", () => {
  test("shows servers, tools and how to log in, and reloads", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await app.ready();
    const { servers } = (await get(`${door.url}/api/servers`)) as { servers: Json[] };
    expect(servers).toMatchObject([{ name: "s", state: "ready", login: null }]);
    const { tools } = (await get(`${door.url}/api/tools`)) as { tools: Json[] };
    expect(tools[0]).toMatchObject({ server: "s", input_schema: { type: "object" }, tokens: expect.any(Number) });
    const reloaded = await post(`${door.url}/api/servers/reload`, {});
    expect(await reloaded.json()).toEqual({ outcome: "nothing has changed" });
  });

  test("shows what a server has written on stderr without its secrets, and connects to it anew", async () => {
    await using llm = await startLlmServer([]);
    const server = fixtureServer({ greeting: "opening with s3cr3t-value\n" }, { env: { API_TOKEN: "s3cr3t-value" } });
    await using app = await startApp({ llm: llm.url, mcpServers: { s: server } });
    await using door = await openDoor(app);
    await app.ready();
    const url = `${door.url}/api/servers/s`;
    expect(await get(`${url}/stderr`)).toEqual({ stderr: "opening with [redacted]" });
    const [before] = app.hub.tools();
    expect((await post(`${url}/reconnect`, {})).status).toBe(204);
    expect(app.hub.servers()).toMatchObject([{ name: "s", state: "starting" }]);
    await app.ready();
    expect(app.hub.servers()).toMatchObject([{ name: "s", state: "ready" }]);
    expect(app.hub.tools()[0]).toEqual(before);
    for (const wrong of [`${door.url}/api/servers/x/stderr`, `${door.url}/api/sessions/x/export`]) {
      expect((await fetch(wrong)).status).toBe(404);
    }
    expect((await post(`${door.url}/api/servers/x/reconnect`, {})).status).toBe(404);
  });

  test("is healthy at once, and ready when its servers have settled", async () => {
    await using llm = await startLlmServer([]);
    const slow = fixtureServer({ startMs: 300 });
    await using app = await startApp({ llm: llm.url, mcpServers: { s: slow } });
    await using door = await openDoor(app);
    expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
    const early = await fetch(`${door.url}/readyz`);
    expect([early.status, await early.json()]).toEqual([503, { status: "not ready", reason: "servers are starting" }]);
    await app.ready();
    expect((await fetch(`${door.url}/readyz`)).status).toBe(200);
  });

  test("is not ready while a required server is down", async () => {
    await using llm = await startLlmServer([]);
    const down = { ...fixtureServer({ exitAtStart: { code: 3, stderr: "no" } }), required: true };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: down } });
    await using door = await openDoor(app);
    await app.ready();
    const answered = await fetch(`${door.url}/readyz`);
    expect(answered.status).toBe(503);
    expect(((await answered.json()) as Json).reason).toContain("mcpServers.s is required");
    await using closed = await openDoor(app, { token: "correct-horse-battery" });
    const toStranger = await fetch(`${closed.url}/readyz`);
    expect([toStranger.status, await toStranger.json()]).toEqual([503, { status: "not ready" }]);
    const headers = { authorization: "Bearer correct-horse-battery" };
    expect(await (await fetch(`${closed.url}/readyz`, { headers })).json()).toHaveProperty("reason");
  });

  test("describes itself: every route, with the schemas that it validates by", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const document = (await get(`${door.url}/openapi.json`)) as { paths: Record<string, Json> };
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(["/v1/models", "/v1/chat/completions", "/v1/responses", "/api/sessions/{id}/turns"]),
    );
    expect(document.paths["/v1/models/{id}"]?.get).toMatchObject({ parameters: [{ name: "id", in: "path" }] });
    const operation = document.paths["/api/sessions/{id}/turns"]?.post as {
      requestBody: { content: { "application/json": { schema: object } } };
    };
    const check = new Ajv2020({ strict: false }).compile(operation.requestBody.content["application/json"].schema);
    for (const body of [{ request_id: "r" }, { request_id: "", text: "x" }, [], { request_id: 1, text: "x" }]) {
      expect(check(body)).toBe(false);
      expect((await post(`${door.url}/api/sessions/c1/turns`, body)).status).toBe(400);
    }
  });

  test("describes its answers by the schemas of the message protocol", async () => {
    await using llm = await startLlmServer([answer("fine")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await app.ready();
    await post(`${door.url}/api/sessions/c1/turns`, { request_id: "r1", text: "hi" });
    await follow(`${door.url}/api/sessions/c1/events`, "turn_end");
    const document = (await get(`${door.url}/openapi.json`)) as { paths: Record<string, Json> };
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(document, "openapi");
    const answered = (path: string, type: string) =>
      ajv.compile({ $ref: `openapi#/paths/${path.replaceAll("/", "~1")}/get/responses/2XX/content/${type}/schema` });
    for (const path of ["/api/sessions/{id}", "/api/servers", "/api/tools"]) {
      const body = await get(`${door.url}${path.replace("{id}", "c1")}`);
      const check = answered(path, "application~1json");
      expect([path, check(body)]).toEqual([path, true]);
      expect([path, check({})]).toEqual([path, false]);
    }
    const event = answered("/api/sessions/{id}/events", "text~1event-stream");
    expect(event({ request_id: null, status: "chunk", chunk: { type: "text", data: "hi" } })).toBe(true);
    expect(event({ request_id: null, status: "chunk", chunk: { type: "smell", data: "hi" } })).toBe(false);
  });

  test("lets a page of an allowed origin in, after its browser has asked", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const origin = "https://chat.example.com";
    await using door = await openDoor(app, { allowedOrigins: [origin], token: "correct-horse-battery" });
    const asked = await fetch(`${door.url}/v1/models`, { method: "OPTIONS", headers: { origin } });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([204, origin]);
    const headers = { origin, authorization: "Bearer correct-horse-battery" };
    const answered = await fetch(`${door.url}/v1/models`, { headers });
    expect([answered.status, answered.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
    const refused = await fetch(`${door.url}/v1/models`, { headers: { origin } });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, origin]);
    const stranger = await fetch(`${door.url}/v1/models`, { headers: { origin: "https://other.example.com" } });
    expect([stranger.status, stranger.headers.get("access-control-allow-origin")]).toEqual([403, null]);
    expect(
      (await fetch(`${door.url}/v1/models`, { headers: { ...headers, origin: "https://evil.example" } })).status,
    ).toBe(403);
  });

  test("answers a client that offers HTTP/2, as Java's does, over HTTP/1.1, with the body of its request and the next one", async () => {
    await using llm = await startLlmServer([answer("hello")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { token: "correct-horse-battery", maxConnections: 1 });
    const { hostname, port } = new URL(door.url);
    const socket = connectTo(Number(port), hostname);
    const offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAA"];
    const send = (line: string, body = "", more = offer) => {
      const length = body ? [`Content-Length: ${body.length}`] : [];
      const known = [`Host: ${hostname}:${port}`, "Authorization: Bearer correct-horse-battery"];
      socket.write(`${[`${line} HTTP/1.1`, ...known, ...more, ...length].join("\r\n")}\r\n\r\n${body}`);
    };
    let received = "";
    const until = async (text: string) => {
      while (!received.includes(text)) received += (await once(socket, "data"))[0].toString();
      const status = /^HTTP\/1.1 (\d+)/.exec(received)?.[1];
      received = "";
      return status;
    };
    send("POST /v1/chat/completions", JSON.stringify({ messages: [{ role: "user", content: "hi" }] }));
    expect(await until('"finish_reason":"stop"')).toBe("200");
    send("GET /v1/models");
    expect(await until('"object":"list"')).toBe("200");
    send("GET /v1/models", "", [...offer, "Connection: close"]);
    expect(await until('"object":"list"')).toBe("200");
    await once(socket, "end");
    socket.destroy();
  });

  // Node 26 drops what a client sends in the same packet after a request with an offer.
  const pipelined = process.versions.node.startsWith("26.") ? test.skip : test;
  pipelined(
    "answers requests that offer HTTP/2 in their order, also when a client sends them all at once",
    async () => {
      await using llm = await startLlmServer([]);
      await using app = await startApp({ llm: llm.url });
      await using door = await openDoor(app, { token: "correct-horse-battery" });
      const { hostname, port } = new URL(door.url);
      const socket = connectTo(Number(port), hostname);
      const request = (path: string, ...more: string[]) =>
        `${[`GET ${path} HTTP/1.1`, `Host: ${hostname}:${port}`, ...more].join("\r\n")}\r\n\r\n`;
      const offer = ["Connection: Upgrade", "Upgrade: h2c"];
      let received = "";
      const until = async (answers: number) => {
        while (received.split("HTTP/1.1 ").length <= answers) received += (await once(socket, "data"))[0].toString();
      };
      const offering = ["/healthz", "/v1/models", "/nothing"].map((path) => request(path, ...offer));
      socket.write([request("/healthz"), ...offering].join(""));
      await until(4);
      socket.write(request("/healthz", "Connection: close"));
      await until(5);
      expect(received.match(/(?<=HTTP\/1.1 )\d+/g)).toEqual(["200", "200", "401", "401", "200"]);
      await once(socket, "end");
      socket.destroy();
    },
  );

  test("cancels all calls of a client that sends several on one connection and closes it", async () => {
    const hang = toolCalls([{ name: "s__hang", arguments: {} }]);
    await using llm = await startLlmServer([hang, hang, hang]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    const { hostname, port } = new URL(door.url);
    const socket = connectTo(Number(port), hostname);
    const conversations = ["c1", "c2", "c3"];
    const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }] });
    const requests = conversations.map((id) =>
      [
        "POST /v1/chat/completions HTTP/1.1",
        `Host: ${hostname}:${port}`,
        `X-Conversation-Id: ${id}`,
        `Content-Length: ${body.length}\r\n\r\n${body}`,
      ].join("\r\n"),
    );
    socket.write(requests.join(""));
    await llm.received(3);
    for (const id of conversations) await follow(`${door.url}/api/sessions/${id}/events`, "tool_sent");
    socket.destroy();
    for (const id of conversations) {
      const events = await follow(`${door.url}/api/sessions/${id}/events`, "turn_end");
      expect(events.at(-1)?.message.chunk.data).toEqual({ stop_reason: "cancelled" });
    }
  });

  test("ends a call at once whose client leaves while it waits behind another turn", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__hang", arguments: {} }])]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    const events = `${door.url}/api/sessions/c1/events`;
    await post(`${door.url}/api/sessions/c1/turns`, { request_id: "r1", text: "hi" });
    await follow(events, "tool_sent");
    const leaving = new AbortController();
    const call = fetch(`${door.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-conversation-id": "c1" },
      body: JSON.stringify({ messages: [{ role: "user", content: "and then?" }] }),
      signal: leaving.signal,
    });
    while (app.sessions.open("c1").turnCounts.waiting === 0) await new Promise(setImmediate);
    leaving.abort();
    await expect(call).rejects.toThrow();
    const ended = await follow(events, "turn_end");
    expect(ended.at(-1)?.message.chunk.data).toEqual({ stop_reason: "cancelled" });
    expect(app.sessions.open("c1").turnCounts).toEqual({ running: 1, waiting: 0 });
  });

  test("ends the work of a HEAD request for a stream", async () => {
    let end = () => {};
    const gone = new Promise<void>((resolve) => {
      end = resolve;
    });
    const run = () =>
      eventStream(
        async ({ gone: signal }) => {
          signal.addEventListener("abort", end);
          await gone;
        },
        { keepAliveMs: 60_000 },
      );
    const routes = [{ method: "GET" as const, path: "/stream", summary: "", run }];
    const limits = { maxBytes: 1_000, uploads: new ArrivingMessages() };
    const parts = { admit: (_context: unknown, next: () => Promise<void>) => next(), ...limits, newId };
    const served = routesApp(routes, parts);
    const incoming = { socket: {}, headers: {} } as IncomingMessage;
    const asked = await served.request("/stream", { method: "HEAD" }, { incoming } as HttpBindings);
    expect([asked.status, asked.headers.get("content-type"), asked.body]).toEqual([200, "text/event-stream", null]);
    await gone;
  });

  test("holds at most 256 MB of events that clients do not read, and breaks off the stream with the most", async () => {
    const open = (megabytes: number) => {
      const data = "x".repeat(megabytes * 1024 * 1024);
      let written = 0;
      let end = () => {};
      const isGone = new Promise<void>((resolve) => {
        end = resolve;
      });
      const produce = async ({ write, gone: signal }: EventWriter) => {
        signal.addEventListener("abort", end);
        for (; !signal.aborted; written++) await write({ data });
      };
      const { body } = eventStream(produce, { keepAliveMs: 60_000 });
      return { reader: (body as ReadableStream<Uint8Array>).getReader(), isGone, written: () => written };
    };
    const [largest, ...others] = [70, 60, 60, 60].map(open);
    const last = open(60);
    await largest?.isGone;
    await expect(largest?.reader.read()).rejects.toThrow("reads too slowly");
    for (const { reader, written } of [...others, last]) {
      expect(written()).toBe(0);
      expect((await reader.read()).value?.length).toBeGreaterThan(0);
      await reader.cancel();
    }
  });

  test("refuses a body that is nested deeper than the log and models allow", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const deep = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
    const messages = '"messages":[{"role":"user","content":"hi"}]';
    const bodies = [
      [
        "v1/chat/completions",
        `{${messages},"tools":[{"type":"function","function":{"name":"x","parameters":${deep}}}]}`,
      ],
      ["v1/responses", `{"input":"hi","metadata":${deep}}`],
      ["v1/messages", `{${messages},"tools":[{"name":"x","input_schema":${deep}}]}`],
      ["api/sessions/c1/answer", `{"question_id":"q","value":${deep}}`],
      ["mcp", `{"jsonrpc":"2.0","id":1,"method":"ping","params":${deep}}`],
    ] as const;
    for (const [path, body] of bodies) {
      const headers = { accept: "application/json, text/event-stream", "content-type": "application/json" };
      const refused = await post(`${door.url}/${path}`, body, headers);
      expect([path, refused.status, await refused.text()]).toEqual([path, 400, expect.not.stringContaining("stack")]);
    }
    expect((await app.sessions.conversations.list({ most: 100, includesHidden: true })).conversations).toEqual([]);
  });

  test("refuses a body beyond its size, announced or not, and unknown routes", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { maxBodyMb: 0.001 });
    const large = "x".repeat(5000);
    expect((await post(`${door.url}/v1/responses`, { input: large })).status).toBe(413);
    const body = new Blob([large]).stream();
    const streamed = await fetch(`${door.url}/v1/responses`, { method: "POST", body, duplex: "half" } as RequestInit);
    expect(streamed.status).toBe(413);
    expect((await fetch(`${door.url}/nowhere`)).status).toBe(404);
    expect((await fetch(`${door.url}/v1/chat/completions`)).status).toBe(404);
  });
});

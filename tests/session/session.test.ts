import { describe, expect, test } from "@jest/globals";
import { StoreError } from "../../src/core/errors.js";
import { newId } from "../../src/core/ids.js";
import { openStore } from "../../src/log/open.js";
import { Sessions } from "../../src/session/sessions.js";
import { request, turn } from "../log/support.js";
import { collect, fixtureServer, isStored, shape, startApp } from "../support/app.js";
import { joining } from "../support/cluster.js";
import { answer, chunk, cutStream, failure, stall, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { recording, until } from "../support/mcp-hub.js";

const echo = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);

describe("a request id is answered once", () => {
  test("a repetition after the end gets the stored events, at no cost", async () => {
    await using llm = await startLlmServer([answer("once")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const first = await collect(session.prompt({ requestId: "r", text: "hi" }));
    const again = await session.submit({ requestId: "r", text: "hi" });
    expect(again.cached).toBe(true);
    expect(await collect(again.watch())).toEqual(first.filter(isStored));
    expect(llm.requests).toHaveLength(1);
  });

  test("a repetition while it runs watches the same turn from its start", async () => {
    await using llm = await startLlmServer([answer("for both of you")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const request = { requestId: "r", text: "hi", streaming: true };
    const [one, two] = await Promise.all([collect(session.prompt(request)), collect(session.prompt(request))]);
    expect(two).toEqual(one);
    expect(one.some((event) => event.type === "text_delta")).toBe(true);
  });

  test("an undefined member does not make another text of it", async () => {
    await using llm = await startLlmServer([answer("x")]);
    await using app = await startApp({ llm: llm.url });
    const content = [{ type: "resource_link" as const, uri: "demo://readme", name: undefined }];
    const first = await collect(app.sessions.open("c").prompt({ requestId: "r", content }));
    expect((await collect(app.sessions.open("c").prompt({ requestId: "r", content }))).at(-1)).toEqual(first.at(-1));
  });

  test.each([
    ["an empty one", ""],
    ["one of megabytes", "x".repeat(2_000_000)],
    ["one that no index of PostgreSQL takes", "é".repeat(401)],
    ["one with a NUL, which PostgreSQL does not store", "a\0b"],
    ["half a character, which no log stores as it is", "\ud800"],
  ])("an id that a log cannot store is refused, of a conversation or of a request: %s", async (_what, id) => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const refused = { kind: "usage", message: expect.stringMatching(/^the id of a \w+ is 1 to 400 characters/) };
    await expect(app.sessions.open("c").submit({ requestId: id, text: "hi" })).rejects.toMatchObject(refused);
    await expect(app.sessions.open(id).submit({ requestId: "r", text: "hi" })).rejects.toMatchObject(refused);
    expect((await app.sessions.list({ most: 100 })).conversations).toEqual([]);
  });

  test("a new conversation cannot get the id of a single call, but an existing one is continued", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two"), answer("three")]);
    await using app = await startApp({ llm: llm.url });
    const { conversations } = app.sessions;
    const refused = { kind: "usage", message: expect.stringMatching(/"single_".*choose another id/) };
    const ask = (id: string, requestId: string) => app.sessions.open(id).prompt({ requestId, text: "hi" });
    await expect(collect(ask("single_mine", "r1"))).rejects.toMatchObject(refused);
    await collect(ask("singles", "r1"));
    await expect(conversations.fork("singles", { to: "single_mine" })).rejects.toMatchObject(refused);
    await expect(conversations.fork("singles", { to: "a\0b" })).rejects.toMatchObject({ kind: "usage" });
    expect(await app.sessions.history("single_mine")).toEqual([]);
    await collect(app.sessions.open("single_1").prompt({ requestId: "r1", text: "hi", isSingleCall: true }));
    expect((await collect(ask("single_1", "r2"))).at(-1)).toMatchObject({ type: "turn_end" });
    expect((await app.sessions.list({ most: 10 })).conversations).toMatchObject([{ conversationId: "singles" }]);
  });

  test("texts with a NUL find nothing or are refused, and a message keeps its NUL", async () => {
    await using llm = await startLlmServer([answer("a\0b")]);
    await using app = await startApp({ llm: llm.url });
    const { sessions } = app;
    const asked = await collect(sessions.open("c").prompt({ requestId: "r", text: "hi\0there" }));
    expect(asked.at(-1)).toMatchObject({ type: "turn_end" });
    expect((await sessions.history("c"))[0]).toMatchObject({ content: [{ text: "hi\0there" }] });
    const refusal = { kind: expect.stringMatching(/^(usage|not_found)$/) };
    const questions: (() => Promise<unknown>)[] = [
      () => sessions.history("a\0b"),
      () => sessions.historyBefore("a\0b", 9, 9),
      () => sessions.list({ most: 9, text: "c\0d" }),
      () => sessions.list({ most: 9, text: "c\0def" }),
      () => sessions.cancel("a\0b"),
      () => sessions.cancel("c", "a\0b"),
      () => sessions.answer("a\0b", "q", true),
      () => sessions.answer("c", "a\0b", true),
      () => sessions.delete("a\0b"),
      () => sessions.conversations.read("a\0b"),
      () => sessions.conversations.rewind("a\0b", { turns: 1 }),
      () => sessions.conversations.fork("a\0b"),
      () => sessions.open("a\0b").abandoned.takeOverAll(),
    ];
    for (const question of questions) {
      await question().then(
        (found) => expect([[], false, { conversations: [] }]).toContainEqual(found),
        (error: unknown) => expect(error).toMatchObject(refusal),
      );
    }
  });

  test("the longest ids are stored, of any characters", async () => {
    await using llm = await startLlmServer([answer("x")]);
    await using app = await startApp({ llm: llm.url });
    const random = () =>
      Array.from({ length: 400 }, () => String.fromCharCode(0x4e00 + Math.random() * 20_000)).join("");
    const [conversationId, requestId] = [random(), random()];
    const events = await collect(app.sessions.open(conversationId).prompt({ requestId, text: "hi" }));
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    expect((await app.sessions.list({ most: 100 })).conversations).toMatchObject([{ conversationId }]);
  });

  test("a cancelled request is not run again", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const turn = await session.submit({ requestId: "r", text: "hi" });
    await llm.received(1);
    session.cancel("r");
    await collect(turn.watch());
    const again = await collect(session.prompt({ requestId: "r", text: "hi" }));
    expect(again.at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
  });

  test("a failure that no repetition would fix is repeated from the log", async () => {
    const filtered = { body: { error: { message: "filtered", code: "content_filter" } } };
    await using llm = await startLlmServer([failure(400, filtered)]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    await collect(session.prompt({ requestId: "r", text: "hi" }));
    const again = await collect(session.prompt({ requestId: "r", text: "hi" }));
    expect(again.at(-1)).toMatchObject({ type: "turn_error", error: { kind: "content_filter" } });
    expect(llm.requests).toHaveLength(1);
  });

  test.each([
    ["auth", failure(401)],
    ["quota", failure(429, { body: { error: { message: "no credit", code: "insufficient_quota" } } })],
    ["model_gone", failure(404, { body: { error: { message: "no such model", code: "model_not_found" } } })],
    ["bad_request", failure(400)],
    ["server", failure(501)],
    ["overloaded", failure(503, { headers: { "x-should-retry": "false" } })],
  ])("after a failure that a person can fix (%s) the turn continues: no tool runs twice", async (kind, failing) => {
    await using llm = await startLlmServer([echo, failing, answer("mended")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const session = app.sessions.open("c");
    const first = await collect(session.prompt({ requestId: "r", text: "hi" }));
    expect(first.at(-1)).toMatchObject({ type: "turn_error", error: { kind, retryable: false } });
    const second = await collect(session.prompt({ requestId: "r", text: "hi" }));
    expect(shape(second)).toEqual([...shape(first).slice(0, -1), "assistant_message", "turn_end"]);
    expect(llm.requests[2]?.body.messages).toEqual(llm.requests[1]?.body.messages);
  });

  test("an answer in the wrong form stays a failure: its text is never returned as the answer", async () => {
    await using llm = await startLlmServer([answer("no"), answer("no JSON")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const request = { requestId: "r", text: "hi", output: { jsonSchema: { type: "object" } } };
    for (let times = 0; times < 2; times++) {
      const events = await collect(session.prompt(request));
      expect(events.at(-1)).toMatchObject({ type: "turn_error", error: { kind: "output" } });
    }
    expect(llm.requests).toHaveLength(2);
  });

  test.each(["bad_request", "context_length"])(
    "a refused request (%s) that is repeated is sent again unchanged",
    async (kind) => {
      const body = { error: { message: "no", code: kind === "bad_request" ? "invalid" : "context_length_exceeded" } };
      await using llm = await startLlmServer([failure(400, { body }), answer("mended")]);
      await using app = await startApp({ llm: llm.url });
      const session = app.sessions.open("c");
      const first = await collect(session.prompt({ requestId: "r", text: "hi" }));
      expect(first.at(-1)).toMatchObject({ type: "turn_error", error: { kind } });
      const second = await collect(session.prompt({ requestId: "r", text: "hi" }));
      expect(second.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
      expect(llm.requests[1]?.body.messages).toEqual(llm.requests[0]?.body.messages);
    },
  );

  test("after a retryable failure the turn continues where it stopped: no tool runs twice", async () => {
    const down = Array.from({ length: 4 }, () => failure(503));
    await using llm = await startLlmServer([echo, ...down, answer("back again")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const session = app.sessions.open("c");
    const first = await collect(session.prompt({ requestId: "r", text: "hi" }));
    expect(first.at(-1)).toMatchObject({ type: "turn_error", error: { retryable: true } });
    const second = await collect(session.prompt({ requestId: "r", text: "hi" }));
    expect(shape(second)).toEqual([...shape(first).slice(0, -1), "assistant_message", "turn_end"]);
    const roles = llm.requests.at(-1)?.body.messages?.map(({ role }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "tool"]);
    const third = await collect(session.prompt({ requestId: "r", text: "hi" }));
    expect(shape(third)).toEqual(shape(second));
  });

  test("a repetition after an answer broke off and was replaced gets the new answer only", async () => {
    const cut = stream([chunk({ content: "half" }), cutStream]);
    await using llm = await startLlmServer([cut, answer("whole")]);
    await using app = await startApp({ llm: llm.url, streamRecovery: "fail" });
    const session = app.sessions.open("c");
    const ask = () => collect(session.prompt({ requestId: "r", text: "hi", streaming: true }));
    expect((await ask()).at(-1)).toMatchObject({ type: "turn_error", error: { kind: "stream_interrupted" } });
    await ask();
    const again = await ask();
    expect(shape(again)).toEqual(["user_message", "assistant_message", "turn_end"]);
    expect(again[1]).toMatchObject({ message: { content: "whole" } });
  });
});

describe("turns of one conversation", () => {
  test("run one after another, each with the history of the earlier ones only", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two"), answer("three")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const prompts = ["a", "b", "c"].map((text) => collect(session.prompt({ requestId: text, text })));
    await Promise.all(prompts);
    const seen = llm.requests.map(({ body }) => body.messages?.slice(1).map(({ content }) => content));
    expect(seen).toEqual([["a"], ["a", "one", "b"], ["a", "one", "b", "two", "c"]]);
  });

  test("run in parallel with those of another conversation", async () => {
    await using llm = await startLlmServer(({ body }) =>
      JSON.stringify(body.messages).includes("slow") ? stream([chunk({ content: "…" }), stall]) : answer("quick"),
    );
    await using app = await startApp({ llm: llm.url });
    await app.sessions.open("slow").submit({ requestId: "r", text: "slow" });
    const events = await collect(app.sessions.open("quick").prompt({ requestId: "r", text: "hi" }));
    expect(events.at(-1)).toMatchObject({ stopReason: "end_turn" });
  });

  test("keep the servers with which they began", async () => {
    const change = { servers: () => {} };
    await using llm = await startLlmServer(({ body }) => {
      if (body.messages?.at(-1)?.role === "tool") return answer("done");
      change.servers();
      return toolCalls([{ name: "own__echo", arguments: { n: 1 } }]);
    });
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const own = app.extendHub({ own: fixtureServer() }, session);
    session.equip({ hub: own, project: "/p" });
    change.servers = () => session.equip({ hub: app.hub, project: "/p" });
    const events = await collect(session.prompt({ requestId: "r", text: "go" }));
    expect(events.find(({ type }) => type === "tool_result")).toMatchObject({ isError: false });
    await own.close();
  });

  test("do not end when a watcher leaves", async () => {
    await using llm = await startLlmServer([answer("still there")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    for await (const _ of session.prompt({ requestId: "r", text: "hi" })) break;
    await session.turns.idle();
    expect(shape(await session.history())).toEqual(["user_message", "assistant_message", "turn_end"]);
  });
});

describe("questions", () => {
  const asking = { mcpServers: { s: fixtureServer() }, config: { chat: { service: { approval: "ask" } } } };

  test.each([
    [true, false],
    [{ allow: true }, false],
    [false, true],
    [{ allow: false }, true],
    ["yes", true],
  ])("the answer %j gives a result with isError %s", async (value, isError) => {
    await using llm = await startLlmServer([echo, answer("ok")]);
    await using app = await startApp({ llm: llm.url, ...asking });
    const session = app.sessions.open("c");
    const events = [];
    for await (const event of session.prompt({ requestId: "r", text: "go" })) {
      events.push(event);
      if (event.type === "question") expect(session.answer(event.questionId, value)).toBe(true);
    }
    expect(shape(events).includes("tool_sent")).toBe(!isError);
    expect(events.find((event) => event.type === "tool_result")).toMatchObject({ isError });
    expect(events.find((event) => event.type === "answer")).toMatchObject({ value });
  });

  test("a remembered answer is not asked for again in this session", async () => {
    await using llm = await startLlmServer([echo, echo, answer("ok"), echo, answer("ok")]);
    await using app = await startApp({ llm: llm.url, ...asking });
    const session = app.sessions.open("c");
    let questions = 0;
    for (const requestId of ["r1", "r2"]) {
      for await (const event of session.prompt({ requestId, text: "go" })) {
        if (event.type !== "question") continue;
        questions++;
        session.answer(event.questionId, { allow: true, remember: "session" });
      }
    }
    expect(questions).toBe(1);
  });

  test("a cancelled turn does not wait for its answer", async () => {
    await using llm = await startLlmServer([echo]);
    await using app = await startApp({ llm: llm.url, ...asking });
    const session = app.sessions.open("c");
    const events = [];
    for await (const event of session.prompt({ requestId: "r", text: "go" })) {
      events.push(event);
      if (event.type === "question") session.cancel("r");
    }
    expect(events.at(-1)).toMatchObject({ stopReason: "cancelled" });
    expect(shape(events)).not.toContain("tool_sent");
  });

  test("an answer to a question that is not open is refused", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    expect(app.sessions.open("c").answer("q_1", true)).toBe(false);
  });
});

test("a required server that is down fails the turn, and says which and why", async () => {
  await using llm = await startLlmServer([]);
  const mcpServers = { s: { command: "no-such-command-anywhere", required: true } };
  await using app = await startApp({ llm: llm.url, mcpServers });
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
  expect(events.at(-1)).toMatchObject({ type: "turn_error", error: { kind: "required_server_down" } });
  expect(JSON.stringify(events.at(-1))).toContain("no-such-command-anywhere");
});

test("a server that never answers delays the first answer by its grace at most", async () => {
  await using llm = await startLlmServer([answer("hello")]);
  const mcpServers = { hung: fixtureServer({ silent: true }, { startup_grace: 100 }), s: fixtureServer() };
  await using app = await startApp({ llm: llm.url, mcpServers });
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
  expect(events.at(-1)).toMatchObject({ stopReason: "end_turn" });
  expect(app.hub.servers().map(({ state }) => state)).toEqual(["starting", "ready"]);
});

describe("while servers still start", () => {
  const silent = { hung: fixtureServer({ silent: true }) };

  test("a turn can be cancelled, and ends as cancelled", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: silent });
    const session = app.sessions.open("c");
    const turn = await session.submit({ requestId: "r", text: "go" });
    setImmediate(() => session.cancel("r"));
    expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
  });

  test("a turn's time can run out, and it ends as budget", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: silent });
    const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go", timeoutMs: 20 }));
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "budget" });
  });
});

test("when the log cannot be written any more, the turn's tools are cancelled", async () => {
  using record = recording();
  const calls = ["s__hang", "s__echo"].map((name) => ({ name, arguments: {} }));
  await using llm = await startLlmServer([toolCalls(calls)]);
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ record: record.path }) } });
  const store = await openStore({ driver: "memory" }, { now: Date.now, observe: () => {} });
  const append = store.appendAll.bind(store);
  store.appendAll = (conversationId, events, grant) => {
    if (events.some(({ type }) => type === "tool_result")) throw new StoreError("full", "the disk is full");
    return append(conversationId, events, grant);
  };
  const sessions = new Sessions({
    store,
    join: joining(store),
    observe: () => {},
    hub: app.hub,
    settings: () => ({ llm: app.orchestrator.llm, defaults: app.config.chat.service }),
    newId,
    project: "p",
    now: Date.now,
  });
  const session = sessions.open("c");
  await expect(collect(session.prompt({ requestId: "r", text: "go" }))).rejects.toMatchObject({ kind: "full" });
  await until(() => record.lines().some((line) => line.startsWith("cancelled ")));
  await sessions.close();
  await store.close();
});

test("a time limit of months does not end at once", async () => {
  await using llm = await startLlmServer([answer("in time")]);
  await using app = await startApp({ llm: llm.url });
  const request = { requestId: "r", text: "go", timeoutMs: 90 * 24 * 3_600_000 };
  const events = await collect(app.sessions.open("c").prompt(request));
  expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
});

test("a text that the model refused does not block the next one", async () => {
  const error = { message: "too long", code: "context_length_exceeded" };
  await using llm = await startLlmServer([answer("hello"), failure(400, { body: { error } }), answer("better")]);
  await using app = await startApp({ llm: llm.url });
  const session = app.sessions.open("c");
  const texts = ["hi", "much too long", "short"];
  for (const [index, text] of texts.entries()) await collect(session.prompt({ requestId: `r${index}`, text }));
  expect(llm.requests[2]?.body.messages?.map(({ content }) => content).slice(1)).toEqual(["hi", "hello", "short"]);
});

test("a host that is silent within its lease is alive: its conversation runs, and is not deleted", async () => {
  let now = 0;
  await using app = await startApp({ llm: "http://127.0.0.1:1" });
  const store = await openStore({ driver: "memory" }, { now: () => now, observe: () => {} });
  await store.turns.beat({ nodeId: "other", machine: "elsewhere", pid: 1 });
  await store.claim("c", turn("turn_1").user("hello"), request("other"));
  now = 15_000;
  const sessions = new Sessions({
    store,
    join: joining(store, { leaseMs: 60_000 }),
    observe: () => {},
    hub: app.hub,
    settings: () => ({ llm: app.orchestrator.llm, defaults: app.config.chat.service }),
    newId,
    project: "p",
    now: () => now,
  });
  expect((await sessions.conversations.list({ most: 100 })).conversations).toMatchObject([
    { conversationId: "c", state: "running" },
  ]);
  await expect(sessions.conversations.delete("c")).rejects.toMatchObject({ kind: "busy" });
  await sessions.close();
  await store.close();
});

test.each([
  ["of approval", { service: { approval: "ask" } }, 1, { kind: "approval" }, "end_turn"],
  ["about a limit of calls", { limits: { turn: { calls: 1 } } }, 1, { kind: "limit", limit: "calls" }, "budget"],
  ["about a loop", {}, 5, { kind: "limit", limit: "loop" }, "budget"],
])("a question %s counts as refused if nobody answers in time", async (_, chat, hops, question, stopReason) => {
  const calls = toolCalls(["c1", "c2"].map((id) => ({ id, name: "s__echo", arguments: {} })));
  await using llm = await startLlmServer([...Array(hops).fill(calls), answer("without it")]);
  const mcpServers = { s: fixtureServer() };
  await using app = await startApp({ llm: llm.url, mcpServers, config: { chat }, questionTimeoutMs: 1 });
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
  expect(events.find(({ type }) => type === "question")).toMatchObject({ question });
  expect(events.find(({ type }) => type === "answer")).toMatchObject({ value: false });
  expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason });
});

test("turns that run at the same time count against the limit of the day before their answers arrive", async () => {
  let finish = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const slow = () => stream([() => held, chunk({ content: "fine" }, "stop"), "data: [DONE]\n\n"]);
  await using llm = await startLlmServer(slow);
  const config = { chat: { limits: { day: { tokens: 300 } }, storage: { driver: "memory" } } };
  await using app = await startApp({ llm: llm.url, config });
  let ended = 0;
  const turns = Array.from({ length: 20 }, async (_, index) => {
    const request = { requestId: "r", text: "hi", unattended: true, system: "Be brief." };
    const events = await collect(app.sessions.open(`c${index}`).prompt(request));
    ended++;
    return events.at(-1);
  });
  await until(() => ended + llm.requests.length === turns.length);
  const sent = llm.requests.length; // each request needs more than 64 tokens
  finish();
  const ends = await Promise.all(turns);
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThanOrEqual(300 / 64);
  expect(ends.filter((end) => end?.type === "turn_end" && end.stopReason === "budget")).toHaveLength(20 - sent);
});

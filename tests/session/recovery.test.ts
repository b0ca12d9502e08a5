import { methods } from "@agentclientprotocol/sdk";
import { describe, expect, test } from "@jest/globals";
import type { StorageConfig } from "../../src/core/config.js";
import type { EventOf, QuestionEvent, TurnEvent } from "../../src/core/events.js";
import { openStore } from "../../src/log/open.js";
import type { Session } from "../../src/session/session.js";
import { newSession, openAcp } from "../support/acp.js";
import { collect, fixtureServer, shape, startApp } from "../support/app.js";
import { answer, chunk, type LlmServer, stall, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { Signal } from "../support/signal.js";
import { Desk, until } from "./desk.js";

const echo = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);

/** Leaves the turn `r` of the conversation `c` to the next host. */
async function loseTurn(desk: Desk, llm: LlmServer): Promise<void> {
  const host = await desk.host(llm);
  await host.sessions.open("c").submit({ requestId: "r", text: "go" });
  await llm.received(1);
  await host.drain(0);
}

describe("a host that shuts down", () => {
  test("lets a turn end if that is possible in time", async () => {
    await using llm = await startLlmServer([echo, answer("in time")]);
    await using desk = await Desk.open();
    const app = await desk.host(llm);
    const turn = await app.sessions.open("c").submit({ requestId: "r", text: "go" });
    await app.drain(20_000);
    expect(shape(await collect(turn.watch())).at(-1)).toBe("turn_end");
  });

  test("leaves the others to its next start, without an end in the log", async () => {
    await using llm = await startLlmServer([echo, stream([chunk({ content: "half" }), stall]), answer("whole")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm);
    const turn = await first.sessions.open("c").submit({ requestId: "r", text: "go", streaming: true });
    await llm.received(2);
    await first.drain(0);
    await expect(collect(turn.watch())).rejects.toMatchObject({ kind: "shutting_down", retryable: true });
    const second = await desk.host(llm);
    const events = await collect(second.sessions.open("c").prompt({ requestId: "r", text: "go" }));
    const sofar = ["user_message", "assistant_message", "tool_call", "tool_sent", "tool_result"];
    expect(shape(events)).toEqual([...sofar, "state_lost", "assistant_message", "turn_end"]);
  });

  test("counts an answer that it breaks off, without its text, and its replacement", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "half" }), stall]), answer("whole")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm);
    const turn = await first.sessions.open("c").submit({ requestId: "r", text: "go", streaming: true });
    await until(turn.watch(), "text_delta");
    await first.drain(0);
    const session = (await desk.host(llm)).sessions.open("c");
    const shown = await collect(session.prompt({ requestId: "r", text: "go" }));
    expect(shape(shown)).toEqual(["user_message", "assistant_message", "turn_end"]);
    const answers = (await session.history()).filter(({ type }) => type === "assistant_message");
    expect(answers).toMatchObject([
      { interrupted: true, message: { content: "" }, spent: { tokens: expect.any(Number), estimated: true } },
      { message: { content: "whole" } },
    ]);
  });

  test("refuses requests, and says so", async () => {
    await using llm = await startLlmServer([]);
    await using desk = await Desk.open();
    const app = await desk.host(llm);
    const session = app.sessions.open("c");
    await app.sessions.drain(0);
    await expect(session.submit({ requestId: "r", text: "go" })).rejects.toMatchObject({ kind: "shutting_down" });
    const other = app.sessions.open("d").submit({ requestId: "r", text: "go" });
    await expect(other).rejects.toMatchObject({ kind: "shutting_down" });
  });
});

describe("a turn that ends with its caller", () => {
  const request = { requestId: "r", text: "go", endsWithCaller: true };

  test("is cancelled by a host that shuts down, also while it waits", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    await using desk = await Desk.open();
    const host = await desk.host(llm);
    const session = host.sessions.open("c");
    const running = await session.submit(request);
    const waiting = await session.submit({ ...request, requestId: "r2" });
    await llm.received(1);
    await host.drain(0);
    for (const turn of [running, waiting]) {
      expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    }
  });

  test("is cancelled by a host that takes it over: no model is asked, and no tool runs", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    await using desk = await Desk.open();
    const [lost, other] = [await desk.host(llm), await desk.host(llm)];
    const turn = await lost.sessions.open("c").submit(request);
    await llm.received(1);
    const store = await openStore(desk.storage, { now: Date.now, observe: () => {} });
    for (const { nodeId } of await store.turns.nodes()) {
      if ((await store.turns.held(nodeId)).length > 0) await store.turns.bury(nodeId, Number.MAX_SAFE_INTEGER);
    }
    await store.close();
    const events = await collect(other.sessions.open("c").prompt({ requestId: "r", text: "go" }));
    expect(shape(events)).toEqual(["user_message", "turn_error"]);
    expect(events.at(-1)).toMatchObject({ error: { kind: "cancelled", message: expect.stringContaining("lost it") } });
    expect(shape(await collect(turn.watch())).at(-1)).toBe("turn_error");
  });
});

describe("two hosts on one log", () => {
  test("show the same turn, whichever runs it, and either can cancel it", async () => {
    await using llm = await startLlmServer([echo, stream([stall])]);
    await using desk = await Desk.open();
    const [owner, other] = [await desk.host(llm), await desk.host(llm)];
    const mine = collect(owner.sessions.open("c").prompt({ requestId: "r", text: "go" }));
    await llm.received(2);
    const session = other.sessions.open("c");
    const theirs = collect(session.prompt({ requestId: "r", text: "go" }));
    await until((await session.submit({ requestId: "r", text: "go" })).watch(), "tool_result");
    expect(session.cancel("r")).toBe(true);
    expect((await theirs).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    expect(shape(await mine)).toEqual(shape(await theirs));
  });

  test("either can answer a question of it", async () => {
    await using llm = await startLlmServer([echo, answer("allowed")]);
    await using desk = await Desk.open();
    const [owner, other] = [await desk.host(llm, {}), await desk.host(llm, {})];
    const mine = collect(owner.sessions.open("c").prompt({ requestId: "r", text: "go", approval: "ask" }));
    await llm.received(1);
    const session = other.sessions.open("c");
    const theirs = await session.submit({ requestId: "r", text: "go" });
    const question = (await until(theirs.watch(), "question")).at(-1) as QuestionEvent;
    expect(session.answer(question.questionId, true)).toBe(true);
    expect(shape(await mine).slice(-2)).toEqual(["assistant_message", "turn_end"]);
    expect(shape(await collect(theirs.watch()))).toEqual(shape(await mine));
  });

  test("do not touch each other's turns when they end", async () => {
    let release = () => {};
    const gate = new Promise<void>((open) => {
      release = open;
    });
    await using llm = await startLlmServer([
      (response, request) => void gate.then(() => answer("still here")(response, request)),
    ]);
    await using desk = await Desk.open();
    const owner = await desk.host(llm);
    const mine = collect(owner.sessions.open("c").prompt({ requestId: "r", text: "go" }));
    await llm.received(1);
    const watcher = await desk.host(llm); // only now, because the turn might have been given to either of two hosts
    const theirs = await watcher.sessions.open("c").submit({ requestId: "r", text: "go" });
    await watcher.close();
    await expect(collect(theirs.watch())).rejects.toMatchObject({ kind: "shutting_down" });
    release();
    expect((await mine).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  });

  test("run the turns of one conversation one after another", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    await using desk = await Desk.open();
    const hosts = [await desk.host(llm), await desk.host(llm)];
    const first = await hosts[0]?.sessions.open("c").submit({ requestId: "a", text: "a" });
    const second = await hosts[1]?.sessions.open("c").submit({ requestId: "b", text: "b" });
    await Promise.all([first, second].map((turn) => turn && collect(turn.watch())));
    const seen = llm.requests.map(({ body }) => body.messages?.slice(1).map(({ content }) => content));
    expect(seen).toEqual([["a"], ["a", "one", "b"]]);
  });
});

test.each([
  { it: "has no key", active: "groq" },
  { it: "has only the demo model", active: "demo" },
])("a turn that lost its host is left to others by a host that $it", async ({ active }) => {
  await using llm = await startLlmServer([stream([stall]), answer("went on")]);
  await using desk = await Desk.open("sqlite");
  await loseTurn(desk, llm);
  const said: string[] = [];
  const observe = ({ message }: { message: string }) => void said.push(message);
  const config = { llm: { active } };
  const other = await startApp({ llm: llm.url, storage: desk.storage, config, observe, recover: false });
  for (let times = 0; times < 2; times++) expect(await other.sessions.open("c").abandoned.takeOverAll()).toEqual([]);
  expect(said.filter((text) => text.includes("turn of conversation c is left to other hosts"))).toHaveLength(1);
  await other.close();
  const events = await collect((await desk.host(llm)).sessions.open("c").prompt({ requestId: "r", text: "go" }));
  expect(events.at(-2)).toMatchObject({ message: { content: "went on" }, provider: "test" });
});

test("a turn that lost its host is not ended by a host without a key that has a prompt waiting for it", async () => {
  await using llm = await startLlmServer([stream([stall]), answer("went on")]);
  await using desk = await Desk.open("sqlite");
  const first = await desk.host(llm);
  await first.sessions.open("c").submit({ requestId: "r", text: "go" });
  await llm.received(1);
  const config = { llm: { active: "groq" } };
  await using other = await startApp({ llm: llm.url, storage: desk.storage, config, recover: false });
  const waiting = await other.sessions.open("c").submit({ requestId: "r2", text: "and?" });
  await first.drain(0);
  const events = await collect((await desk.host(llm)).sessions.open("c").prompt({ requestId: "r", text: "go" }));
  expect(events.at(-2)).toMatchObject({ message: { content: "went on" }, provider: "test" });
  expect((await collect(waiting.watch())).at(-1)).toMatchObject({ type: "turn_error", error: { kind: "auth" } });
});

test("a lost turn fails on a host that cannot ask its model, once a prompt that the host can answer waits for it", async () => {
  await using llm = await startLlmServer([stream([stall]), answer("here")]);
  await using desk = await Desk.open("sqlite");
  const at = { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" };
  const first = await desk.host(llm, undefined, { active: "test", providers: { test: at, groq: at } });
  await first.sessions.open("c").submit({ requestId: "r", text: "go", model: "groq/m1" });
  await llm.received(1);
  await first.drain(0);
  const session = (await desk.host(llm)).sessions.open("c");
  expect(await session.abandoned.takeOverAll()).toEqual([]);
  const events = await collect(session.prompt({ requestId: "r2", text: "hello" }));
  expect(events.at(-2)).toMatchObject({ message: { content: "here" } });
  expect(await session.history()).toContainEqual(expect.objectContaining({ type: "turn_error" }));
});

describe("a question that was open when the host ended", () => {
  test("is asked again under its id, and its answer runs the call", async () => {
    await using llm = await startLlmServer([echo, answer("allowed")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm, {});
    const request = { requestId: "r", text: "go", approval: "ask" as const };
    const asked = (await until(first.sessions.open("c").prompt(request), "question")).at(-1) as QuestionEvent;
    await first.drain(0);
    const second = await desk.host(llm, {});
    const session = second.sessions.open("c");
    const turn = await session.submit(request);
    expect(session.answer(asked.questionId, true)).toBe(true);
    const events = await collect(turn.watch());
    expect(shape(events).filter((type) => type === "question" || type === "answer")).toEqual(["question", "answer"]);
    expect(shape(events).at(-1)).toBe("turn_end");
    expect(events.find(({ type }) => type === "tool_result")).toMatchObject({ isError: false });
  });

  test("is open again beside the others of its answer, and the call that was allowed before has run once", async () => {
    const calls = [1, 2, 3].map((n) => ({ name: "s__echo", arguments: { n }, id: `c${n}` }));
    await using llm = await startLlmServer([toolCalls(calls), answer("done")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm, {});
    const request = { requestId: "r", text: "go", approval: "ask" as const };
    const questions: QuestionEvent[] = [];
    const opened = first.sessions.open("c");
    for await (const event of opened.prompt(request)) {
      if (event.type === "question" && questions.push(event) === 3) {
        opened.answer(questions[1]?.questionId ?? "", { allow: true, arguments: { n: 22 } });
      }
      if (event.type === "tool_result") break;
    }
    await first.drain(0);
    const second = await desk.host(llm, {});
    const session = second.sessions.open("c");
    const events: TurnEvent[] = [];
    for await (const event of (await session.submit(request)).watch()) {
      events.push(event);
      if (session.questions.isAsking(event))
        session.answer(event.questionId, event.questionId === questions[2]?.questionId);
    }
    expect(events.filter(({ type }) => type === "question")).toEqual(questions);
    const results = events.flatMap((event) => (event.type === "tool_result" ? [JSON.stringify(event.content)] : []));
    // Each call runs when it is answered, so the refused one may end before or after the last one.
    const ran = results.map((text) => /"n\\":(\d+)/.exec(text)?.[1]);
    expect([ran[0], ...ran.slice(1).toSorted()]).toEqual(["22", "3", undefined]);
  });

  test("by a server is over, because its call has ended with the host", async () => {
    const params = { message: "who?", requestedSchema: { type: "object", properties: { name: { type: "string" } } } };
    const call = toolCalls([{ name: "s__ask", arguments: { method: "elicitation/create", params } }]);
    await using llm = await startLlmServer([call, answer("told")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm, {});
    const request = { requestId: "r", text: "go", approval: "auto" as const };
    await until(first.sessions.open("c").prompt(request), "question");
    await first.drain(0);
    const second = await desk.host(llm, {});
    const events = await collect(second.sessions.open("c").prompt(request));
    const ends = events.filter(({ type }) => type === "answer" || type === "tool_result");
    expect(ends).toMatchObject([{ type: "answer", value: false, withdrawn: true }, { isError: true }]);
  });

  test("is not asked again once it was answered", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__hang", arguments: {} }]), answer("told")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm, {});
    const session = first.sessions.open("c");
    const turn = await session.submit({ requestId: "r", text: "go", approval: "ask" });
    for await (const event of turn.watch()) {
      if (event.type === "question") session.answer(event.questionId, true);
      if (event.type === "tool_sent") break;
    }
    await first.drain(0);
    const second = await desk.host(llm, {});
    const events = await collect(second.sessions.open("c").prompt({ requestId: "r", text: "go", approval: "ask" }));
    expect(events.filter(({ type }) => type === "question")).toHaveLength(1);
    const result = events.find(({ type }) => type === "tool_result");
    expect(JSON.stringify(result)).toContain("outcome unknown");
  });
});

describe("a question about a limit", () => {
  const auto = { approval: "auto" };
  const request = { requestId: "r", text: "go", streaming: true };
  const asking = (events: readonly TurnEvent[]) =>
    shape(events).filter((type) => type === "question" || type === "answer");

  /** Answers a question that should not have been asked, so that the test fails instead of waiting for ever. */
  async function toTheEnd(session: Session, known: string): Promise<TurnEvent[]> {
    const events: TurnEvent[] = [];
    for await (const event of session.prompt(request)) {
      events.push(event);
      if (event.type === "question" && event.questionId !== known) session.answer(event.questionId, false);
    }
    return events;
  }

  test.each([true, false])(
    "is asked again under its id, and counts, if the host ended while it was open: %s",
    async (value) => {
      const two = toolCalls([1, 2].map((n) => ({ name: "s__echo", arguments: { n } })));
      await using llm = await startLlmServer([two, answer("done")]);
      await using desk = await Desk.open();
      const limits = { turn: { calls: 1 } };
      const first = await desk.host(llm, auto, undefined, limits);
      const asked = (await until(first.sessions.open("c").prompt(request), "question")).at(-1) as QuestionEvent;
      await first.drain(0);
      const second = await desk.host(llm, auto, undefined, limits);
      const session = second.sessions.open("c");
      await session.submit(request);
      expect(session.answer(asked.questionId, value)).toBe(true);
      const events = await toTheEnd(session, asked.questionId);
      expect(asking(events)).toEqual(["question", "answer"]);
      expect(events.filter(({ type }) => type === "tool_sent")).toHaveLength(value ? 2 : 1);
      expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: value ? "end_turn" : "budget" });
    },
  );

  test.each([true, false])("is not asked again once it was answered: %s", async (value) => {
    await using llm = await startLlmServer([echo, stream([stall]), answer("done")]);
    await using desk = await Desk.open();
    const limits = { turn: { hops: 1 } };
    const first = await desk.host(llm, auto, undefined, limits);
    const session = first.sessions.open("c");
    const asked = (await until(session.prompt(request), "question")).at(-1) as QuestionEvent;
    expect(session.answer(asked.questionId, value)).toBe(true);
    await llm.received(2);
    await first.drain(0);
    const second = await desk.host(llm, auto, undefined, limits);
    const events = await toTheEnd(second.sessions.open("c"), asked.questionId);
    expect(asking(events)).toEqual(["question", "answer"]);
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: value ? "end_turn" : "max_tool_hops" });
  });
});

test("a turn that another host left in the conversation continues before a new request, even if nothing else is recovered", async () => {
  await using llm = await startLlmServer([stream([stall]), answer("first"), answer("second")]);
  await using desk = await Desk.open();
  const first = await desk.host(llm);
  await first.sessions.open("c").submit({ requestId: "a", text: "one", streaming: true });
  await llm.received(1);
  await first.drain(0);
  const second = await desk.host(llm);
  await collect(second.sessions.open("c").prompt({ requestId: "b", text: "two" }));
  const seen = llm.requests.map(({ body }) => body.messages?.slice(1).map(({ content }) => content));
  expect(seen).toEqual([["one"], ["one"], ["one", "first", "two"]]);
});

describe("the permissions of a turn", () => {
  const request = { requestId: "r", text: "go", approval: "auto" as const, allow: ["s.*"] };
  const ask = { chat: { service: { approval: "ask" } } };
  const run = (llm: LlmServer, storage: StorageConfig, recover = false) =>
    startApp({ llm: llm.url, storage, mcpServers: { s: fixtureServer() }, config: ask, recover });

  async function begun(llm: LlmServer, storage: StorageConfig, recover = false): Promise<void> {
    await using first = await run(llm, storage, recover);
    await first.sessions.open("c").submit(request);
    await llm.received(1);
    await first.drain(0);
  }

  test.each([
    { kind: "runs only its own turns", recover: false },
    { kind: "continues those of others", recover: true },
  ])("do not hold in another host if they come from a host that $kind", async ({ recover }) => {
    await using llm = await startLlmServer([stream([stall]), echo]);
    await using desk = await Desk.open();
    await begun(llm, desk.storage, recover);
    const second = await desk.host(llm, { approval: "ask" });
    const turn = await second.sessions.open("c").submit({ requestId: "r", text: "go" });
    const seen = shape(await until(turn.watch(), "question"));
    expect(seen).toEqual(["user_message", "assistant_message", "tool_call", "question"]);
  });

  test("hold if a host is asked for the same turn again", async () => {
    await using llm = await startLlmServer([stream([stall]), echo, answer("done")]);
    await using desk = await Desk.open();
    await begun(llm, desk.storage);
    await using second = await run(llm, desk.storage);
    const seen = shape(await collect(second.sessions.open("c").prompt(request)));
    expect(seen).toEqual([
      ...["user_message", "assistant_message", "tool_call", "tool_sent", "tool_result"],
      ...["assistant_message", "turn_end"],
    ]);
  });

  test("cannot allow what the caller wants to be asked about", async () => {
    await using llm = await startLlmServer([stream([stall]), echo]);
    await using desk = await Desk.open();
    {
      await using first = await run(llm, desk.storage);
      await first.sessions.open("c").submit({ requestId: "r", text: "go", approval: "ask" });
      await llm.received(1);
      await first.drain(0);
    }
    const turn = await (await desk.host(llm)).sessions.open("c").submit({ requestId: "r", text: "go" });
    expect(shape(await until(turn.watch(), "question"))).toContain("question");
  });
});

describe("a turn of an editor's session", () => {
  const cwd = "/elsewhere";
  const mcpServers = [{ type: "http" as const, name: "mine", url: "http://127.0.0.1:1/mcp", headers: [] }];

  test.each([
    { name: "continues when a host starts, whichever folder the session has", servers: [], isFree: true },
    { name: "is left to its editor if it uses the editor's servers", servers: mcpServers, isFree: false },
  ])("$name", async ({ servers, isFree }) => {
    await using llm = await startLlmServer([stream([stall]), ...(isFree ? [answer("went on")] : [])]);
    await using desk = await Desk.open();
    const first = await desk.host(llm);
    const editor = await openAcp(first);
    const { sessionId } = await newSession(editor.agent, servers, cwd);
    editor.prompt(sessionId, "hi").catch(() => {});
    await llm.received(1);
    await first.drain(0);
    await using chat = await startApp({ llm: llm.url, storage: desk.storage, recover: false });
    expect(await chat.sessions.unfinished()).toEqual(isFree ? [sessionId] : []);
    const second = await desk.host(llm);
    if (isFree) await llm.received(2);
    await using other = await openAcp(second);
    const listed = await other.agent.request(methods.agent.session.list, { cwd });
    expect(listed.sessions).toMatchObject([{ sessionId, cwd }]);
  });

  test("continues and asks its own user, even if an editor has loaded the session in another host", async () => {
    await using llm = await startLlmServer([echo, answer("done")]);
    await using desk = await Desk.open();
    const [first, second] = [await desk.host(llm), await desk.host(llm)];
    const session = first.sessions.open("c");
    const turn = await session.submit({ requestId: "r", text: "go", approval: "ask" });
    const question = (await until(turn.watch(), "question")).at(-1) as QuestionEvent;
    {
      await using editor = await openAcp(second);
      await editor.agent.request(methods.agent.session.load, { sessionId: "c", cwd, mcpServers: [] });
      expect(editor.said()).toContain("another host runs a turn of this conversation");
      await editor.agent.request(methods.agent.session.close, { sessionId: "c" });
      await editor.agent.request(methods.agent.session.load, { sessionId: "c", cwd, mcpServers: [] });
    }
    expect(await session.hasTurnsElsewhere()).toBe(false);
    expect(session.answer(question.questionId, true)).toBe(true);
    expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  });

  test("continues in the agent that has its session open, if it uses the editor's servers", async () => {
    await using llm = await startLlmServer([stream([stall]), answer("went on")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm);
    const before = await openAcp(first);
    const { sessionId } = await newSession(before.agent, mcpServers, cwd);
    before.prompt(sessionId, "hi").catch(() => {});
    await llm.received(1);
    await using editor = await openAcp(await desk.host(llm));
    await editor.agent.request(methods.agent.session.load, { sessionId, cwd, mcpServers });
    await first.drain(0);
    await editor.until(() => editor.said().endsWith("went on"));
  });

  test("with the host's own servers continues in the agent whose editor has opened the session with its own servers", async () => {
    await using llm = await startLlmServer([stream([stall]), answer("went on")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm);
    await first.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    await using app = await startApp({ llm: llm.url, storage: desk.storage, recover: false });
    await using editor = await openAcp(app);
    await editor.agent.request(methods.agent.session.load, { sessionId: "c", cwd, mcpServers });
    await first.drain(0);
    await editor.until(() => editor.said().endsWith("went on"));
  });

  test("waits after its host died until an editor opens its session", async () => {
    await using llm = await startLlmServer([stream([stall]), answer("went on")]);
    await using desk = await Desk.open("sqlite");
    await loseTurn(desk, llm);
    await using app = await startApp({ llm: llm.url, storage: desk.storage, recover: false });
    await using editor = await openAcp(app);
    await editor.agent.request(methods.agent.session.list, {});
    expect([llm.requests.length, await app.sessions.unfinished()]).toEqual([1, ["c"]]);
    await editor.agent.request(methods.agent.session.load, { sessionId: "c", cwd, mcpServers: [] });
    await editor.until(() => editor.said() === "went on");
  });

  test("is not taken over because an editor of another folder has loaded its session", async () => {
    await using llm = await startLlmServer([stream([stall]), answer("went on")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm);
    await first.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    await using elsewhere = await startApp({ llm: llm.url, storage: desk.storage, workspace: "/elsewhere" });
    await using editor = await openAcp(elsewhere);
    await editor.agent.request(methods.agent.session.load, { sessionId: "c", cwd, mcpServers: [] });
    await first.drain(0);
    await desk.host(llm);
    await llm.received(2);
    const offered = llm.requests[1]?.body.tools?.map(({ function: { name } }) => name);
    expect(offered).toContain("s__echo");
  });

  test("continues after its host died in the editor that has its session open: shown once, and asked about there", async () => {
    await using llm = await startLlmServer([echo, stream([stall]), echo, answer("done")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm);
    await first.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(2);
    await using editor = await openAcp(await desk.host(llm, {}));
    await editor.agent.request(methods.agent.session.load, { sessionId: "c", cwd, mcpServers: [] });
    await first.drain(0);
    await editor.until(() => editor.said().endsWith("done"));
    expect(editor.permissions).toMatchObject([{ toolCall: { title: "s.echo" } }]);
    expect(editor.of("user_message_chunk")).toMatchObject([{ content: { text: "go" } }]);
    expect(new Set(editor.of("tool_call").map(({ toolCallId }) => toolCallId)).size).toBe(2);
    expect(editor.of("tool_call")).toHaveLength(2);
  });

  test("does not end with an editor that has only taken it over, and its question stays open", async () => {
    await using llm = await startLlmServer([stream([stall]), echo, answer("done")]);
    await using desk = await Desk.open();
    const first = await desk.host(llm);
    await first.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    const second = await desk.host(llm, {});
    const asked = new Signal();
    const onPermission = () => {
      asked.give();
      return new Promise<undefined>(() => {});
    };
    const editor = await openAcp(second, { onPermission });
    await editor.agent.request(methods.agent.session.load, { sessionId: "c", cwd, mcpServers: [] });
    await first.drain(0);
    await asked.given;
    const waiting = editor.prompt("c", "hello").catch(({ message }: Error) => message);
    await editor.agent.request(methods.agent.session.list, {}); // by its answer, the prompt has arrived
    editor.end();
    expect(await editor.exitCode).toBe(0);
    expect(await waiting).toContain("the turn continues when the host is started again");
    await second.close();
    const session = (await desk.host(llm, {})).sessions.open("c");
    const turn = await session.submit({ requestId: "r", text: "go" });
    const question = (await until(turn.watch(), "question")).at(-1) as QuestionEvent;
    expect(session.answer(question.questionId, true)).toBe(true);
    expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  });

  test("of a host with a workspace name is left to the hosts of that workspace", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    await using desk = await Desk.open();
    const options = { llm: llm.url, storage: desk.storage, recover: false };
    {
      await using first = await startApp({ ...options, workspace: "team" });
      await first.sessions.open("c").submit({ requestId: "r", text: "go" });
      await llm.received(1);
      await first.drain(0);
    }
    await using other = await startApp(options);
    await using own = await startApp({ ...options, workspace: "team" });
    expect([await other.sessions.unfinished(), await own.sessions.unfinished()]).toEqual([[], ["c"]]);
  });
});

test("turns that have crashed two hosts are tried one at a time, so that they cannot take other turns down; others run in parallel", async () => {
  let release = () => {};
  const gate = new Promise<void>((open) => {
    release = open;
  });
  await using llm = await startLlmServer(({ body }) => {
    const isFresh = JSON.stringify(body.messages).includes("fresh");
    return (response, asked) => void (isFresh ? Promise.resolve() : gate).then(() => answer("fine")(response, asked));
  });
  await using desk = await Desk.open();
  const store = await openStore(desk.storage, { now: Date.now, observe: () => {} });
  const content = [{ type: "text" as const, text: "go" }];
  for (const conversationId of ["a", "b"]) {
    const message = { type: "user_message" as const, turnId: conversationId, requestId: "r", content };
    await store.claim(conversationId, message, { nodeId: "n0", workspace: process.cwd(), options: {} });
  }
  for (const nodeId of ["n0", "n1"]) {
    await store.turns.beat({ nodeId, machine: "elsewhere", pid: 1 });
    for (const name of ["a", "b"]) await store.turns.acquire(name, name, nodeId);
    await store.turns.bury(nodeId, Number.MAX_SAFE_INTEGER);
  }
  const app = await desk.host(llm);
  const both = ["a", "b"].map((name) => collect(app.sessions.open(name).prompt({ requestId: "r", text: "go" })));
  await llm.received(1);
  await collect(app.sessions.open("c").prompt({ requestId: "r", text: "fresh" }));
  expect(llm.requests).toHaveLength(2);
  const [{ nodeId } = { nodeId: "" }] = await store.turns.nodes();
  await store.turns.bury(nodeId, Number.MAX_SAFE_INTEGER); // for the log, the host is dead
  const states = await Promise.all(["a", "b"].map((name) => store.turns.stateOf(name, name)));
  expect(states.map((state) => state?.crashes).toSorted()).toEqual([2, 3]);
  await store.close();
  release();
  const kinds = (await Promise.all(both)).map((events) => events.at(-1)?.type);
  expect(kinds.toSorted()).toEqual(["turn_end", "turn_error"]);
});

test("a turn that crashes every host is given up, and others continue", async () => {
  await using llm = await startLlmServer(() => answer("fine"));
  await using desk = await Desk.open();
  const store = await openStore(desk.storage, { now: Date.now, observe: () => {} });
  const content = [{ type: "text" as const, text: "go" }];
  for (const conversationId of ["poison", "other"]) {
    const message = { type: "user_message" as const, turnId: conversationId, requestId: "r", content };
    await store.claim(conversationId, message, { nodeId: "n0", workspace: process.cwd(), options: {} });
  }
  for (const nodeId of ["n0", "n1", "n2"]) {
    await store.turns.beat({ nodeId, machine: "elsewhere", pid: 1 });
    await store.turns.acquire("poison", "poison", nodeId);
    await store.turns.bury(nodeId, Number.MAX_SAFE_INTEGER);
  }
  await store.close();
  const app = await desk.host(llm);
  const given = await collect(app.sessions.open("poison").prompt({ requestId: "r", text: "go" }));
  expect(given.at(-1)).toMatchObject({ type: "turn_error", error: { kind: "crashed", retryable: false } });
  const other = await collect(app.sessions.open("other").prompt({ requestId: "r", text: "go" }));
  expect(other.at(-1)).toMatchObject({ type: "turn_end" });
  expect(llm.requests).toHaveLength(1);
});

describe("a conversation with an event that this host cannot read", () => {
  const unreadable = {
    type: "assistant_message",
    turnId: "broken",
    message: {},
  } as unknown as EventOf<"assistant_message">;

  async function withBrokenTurn(storage: StorageConfig): Promise<void> {
    const store = await openStore(storage, { now: Date.now, observe: () => {} });
    const content = [{ type: "text" as const, text: "x".repeat(100_000) }]; // large enough that a checkpoint is looked for
    const message = { type: "user_message" as const, turnId: "broken", requestId: "r", content };
    await store.claim("c", message, { nodeId: "n0", workspace: process.cwd(), options: {} });
    const lease = await store.turns.acquire("c", "broken", "n0");
    await store.appendAll("c", [unreadable], { fence: lease?.fence ?? 0, position: 2 });
    await store.turns.bury("n0", Number.MAX_SAFE_INTEGER);
    await store.close();
  }

  test("ends its turns with an error that says so, and can be deleted", async () => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using desk = await Desk.open();
    await withBrokenTurn(desk.storage);
    const app = await desk.host(llm);
    const next = await collect(app.sessions.open("c").prompt({ requestId: "next", text: "go" }));
    expect(next.at(-1)).toMatchObject({ type: "turn_error", error: { kind: "unexpected", retryable: false } });
    const ends = (await app.sessions.history("c")).filter(({ type }) => type === "turn_error");
    expect(ends.map(({ turnId }) => turnId)).toEqual(["broken", expect.stringMatching(/^turn_/)]);
    await app.sessions.delete("c");
    expect(await app.sessions.history("c")).toEqual([]);
  });

  test("can be cancelled", async () => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using desk = await Desk.open();
    await withBrokenTurn(desk.storage);
    // A host that recovers turns by itself might end the turn before it is cancelled.
    await using app = await startApp({ llm: llm.url, storage: desk.storage, recover: false });
    const session = app.sessions.open("c");
    expect(await session.control.cancelAnywhere("r")).toBe(true);
    await session.turns.idle();
    expect((await app.sessions.history("c")).at(-1)).toMatchObject({ type: "turn_error", turnId: "broken" });
  });
});

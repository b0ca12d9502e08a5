import { describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { collect, fixtureServer, isStored, shape, startApp, withoutNode } from "../support/app.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  json,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../support/llm-server.js";

const echo = (value: object, id?: string) => ({ name: "s__echo", arguments: value, id });
const servers = { s: fixtureServer() };

describe.each([
  ["streamed", true],
  ["whole", false],
])("a turn, %s", (_, streaming) => {
  test("an answer without tools gives one message and the end", async () => {
    await using llm = await startLlmServer([answer("Hello you.")]);
    await using app = await startApp({ llm: llm.url });
    const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "hi", streaming }));
    expect(shape(events)).toEqual(["user_message", "assistant_message", "turn_end"]);
    expect(events.at(-1)).toMatchObject({ stopReason: "end_turn", seq: 3 });
    const deltas = events.flatMap((event) => (event.type === "text_delta" ? [event.delta] : []));
    expect(deltas.join("")).toBe(streaming ? "Hello you." : "");
  });

  test("calls of one hop run in parallel, their results go back in call order", async () => {
    const calls = [
      echo({ n: 1 }, "a"),
      { name: "s__drip", arguments: { times: 2, everyMs: 30 }, id: "b" },
      echo({ n: 3 }, "c"),
    ];
    await using llm = await startLlmServer([toolCalls(calls), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: servers });
    const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go", streaming }));
    expect(shape(events)).toEqual([
      "user_message",
      "assistant_message",
      ...Array(3).fill("tool_call"),
      ...Array(3).fill("tool_sent"),
      ...Array(3).fill("tool_result"),
      "assistant_message",
      "turn_end",
    ]);
    const finished = events.flatMap((event) => (event.type === "tool_result" ? [event.callId] : []));
    expect(finished.at(-1)).toBe("b");
    const sent = llm.requests[1]?.body.messages
      ?.filter(({ role }) => role === "tool")
      .map((message) => message.tool_call_id);
    expect(sent).toEqual(["a", "b", "c"]);
  });

  test("calls carry the trace of their turn, each with a span of its own", async () => {
    const meta = { name: "s__meta", arguments: {} };
    await using llm = await startLlmServer([toolCalls([meta, meta]), answer("done")]);
    const s = fixtureServer({ pages: [[{ name: "meta", inputSchema: { type: "object" } }]] });
    await using app = await startApp({ llm: llm.url, mcpServers: { s } });
    const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go", streaming }));
    const turnId = events.flatMap((event) => (event.type === "turn_end" ? [event.turnId] : []))[0] ?? "";
    const seen = events.flatMap((event) => (event.type === "tool_result" ? [JSON.parse(textOf(event.content))] : []));
    const traces = seen.map(({ traceparent }) => traceparent.split("-"));
    expect(traces.map(([version, traceId, , flags]) => [version, traceId, flags])).toEqual(
      Array(2).fill(["00", turnId.slice(-32), "01"]),
    );
    const spans = traces.map(([, , span]) => span);
    expect(new Set(spans).size).toBe(2);
    for (const span of spans) expect(span).toMatch(/^[0-9a-f]{16}$/);
  });

  test("what a tool, its arguments or its name get wrong is a result that the model sees", async () => {
    const calls = [
      { name: "s__nothing", arguments: {}, id: "unknown" },
      { name: "s__echo", arguments: '{"broken', id: "broken" },
      { name: "s__crash", arguments: {}, id: "crash" },
    ];
    await using llm = await startLlmServer([toolCalls(calls), answer("sorry")]);
    await using app = await startApp({ llm: llm.url, mcpServers: servers });
    const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go", streaming }));
    const results = events.flatMap((event) => (event.type === "tool_result" ? [event] : []));
    expect(results.map(({ callId, isError }) => [callId, isError]).sort()).toEqual([
      ["broken", true],
      ["crash", true],
      ["unknown", true],
    ]);
    const sent = events.flatMap((event) => (event.type === "tool_sent" ? [event.callId] : []));
    expect(sent).toEqual(["crash"]);
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  });

  test("at the cap one last request that forbids tools gets the user an answer", async () => {
    await using llm = await startLlmServer([toolCalls([echo({})]), toolCalls([echo({})]), answer("so far")]);
    await using app = await startApp({ llm: llm.url, mcpServers: servers });
    const events = await collect(
      app.sessions.open("c").prompt({ requestId: "r", text: "loop", streaming, maxToolHops: 2 }),
    );
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "max_tool_hops" });
    const [first, ...others] = llm.requests.map(({ body }) => body.tools);
    expect(others).toEqual([first, first]);
    expect(llm.requests.map(({ body }) => body.tool_choice)).toEqual([undefined, undefined, "none"]);
  });

  test("a model that calls tools after they were withdrawn, and writes no text, is asked once more without them", async () => {
    await using llm = await startLlmServer([toolCalls([echo({})]), toolCalls([echo({})]), answer("so far")]);
    await using app = await startApp({ llm: llm.url, mcpServers: servers });
    const prompt = { requestId: "r", text: "loop", streaming, maxToolHops: 1 };
    const events = await collect(app.sessions.open("c").prompt(prompt));
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "max_tool_hops" });
    expect(events.filter(({ type }) => type === "tool_call")).toHaveLength(1);
    expect(llm.requests.map(({ body }) => [body.tool_choice, "tools" in body])).toEqual([
      [undefined, true],
      ["none", true],
      [undefined, false],
    ]);
  });

  test("calls beside an answer are dropped where no tool is offered, so that no call stays without its result", async () => {
    const called = { tool_calls: [{ id: "a", type: "function", function: { name: "s__echo", arguments: "{}" } }] };
    const said = { role: "assistant", content: "Hello.", ...called };
    await using llm = await startLlmServer([
      streaming
        ? stream([
            chunk({ content: "Hello." }),
            chunk({ tool_calls: [{ index: 0, ...called.tool_calls[0] }] }, "tool_calls"),
          ])
        : json({ choices: [{ index: 0, message: said, finish_reason: "tool_calls" }] }),
    ]);
    await using app = await startApp({ llm: llm.url });
    const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go", streaming }));
    expect(shape(events)).toEqual(["user_message", "assistant_message", "turn_end"]);
    expect(events.find((event) => event.type === "assistant_message")).toMatchObject({
      message: { content: "Hello.", toolCalls: [] },
      finishReason: "stop",
    });
  });

  test("a model that only calls tools where none is offered fails the turn, which names the tool; the next one works", async () => {
    await using llm = await startLlmServer([toolCalls([echo({}), { name: "bash", arguments: {} }]), answer("Hello.")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const events = await collect(session.prompt({ requestId: "r", text: "go", streaming }));
    expect(shape(events)).toEqual(["user_message", "assistant_message", "turn_error"]);
    expect(events.at(-1)).toMatchObject({
      error: {
        kind: "bad_request",
        message: "test/m1: the model called s__echo and bash and said nothing else, but no tools are offered to it",
        hint: expect.stringContaining("Connect a server"),
      },
    });
    expect(await collect(session.prompt({ requestId: "r2", text: "and now?", streaming }))).toContainEqual(
      expect.objectContaining({ type: "turn_end", stopReason: "end_turn" }),
    );
    expect(llm.requests[1]?.body.messages?.map(({ role }) => role)).not.toContain("tool");
  });

  test("a call whose arguments hit the token limit is not run, even where they parse", async () => {
    await using llm = await startLlmServer([toolCalls([echo({ a: 1 })], { finishReason: "length" }), answer("ok")]);
    await using app = await startApp({ llm: llm.url, mcpServers: servers });
    const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go", streaming }));
    expect(shape(events)).not.toContain("tool_sent");
    const result = events.find((event) => event.type === "tool_result");
    expect(result).toMatchObject({ isError: true });
    expect(result?.type === "tool_result" && textOf(result.content)).toContain("token limit");
  });

  test("a provider's refusal ends the turn as an error that says what to do", async () => {
    await using llm = await startLlmServer([
      failure(401, { body: { error: { message: "bad key sk-test-0123456789" } } }),
    ]);
    await using app = await startApp({ llm: llm.url });
    const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "hi", streaming }));
    expect(events.at(-1)).toMatchObject({ type: "turn_error", error: { kind: "auth", retryable: false } });
    expect(JSON.stringify(events)).not.toContain("sk-test-0123456789");
  });

  test("a cancelled request reaches the provider, and the turn ends as cancelled", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "one " }), stall])]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const turn = await session.submit({ requestId: "r", text: "hi", streaming });
    await llm.received(1);
    session.cancel("r");
    const events = await collect(turn.watch());
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    await llm.aborted(1);
  });

  test("a cancelled tool call ends the turn as cancelled", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__hang", arguments: {} }])]);
    await using app = await startApp({ llm: llm.url, mcpServers: servers });
    const session = app.sessions.open("c");
    const events = [];
    for await (const event of session.prompt({ requestId: "r", text: "hi", streaming })) {
      events.push(event);
      if (event.type === "tool_sent") setImmediate(() => session.cancel("r"));
    }
    expect(shape(events).slice(-2)).toEqual(["tool_result", "turn_end"]);
    expect(events.at(-1)).toMatchObject({ stopReason: "cancelled" });
  });

  test("a turn that has used up its time stops as budget", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    await using app = await startApp({ llm: llm.url });
    const events = await collect(
      app.sessions.open("c").prompt({ requestId: "r", text: "hi", streaming, timeoutMs: 800 }),
    );
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "budget" });
  });
});

test("streamed and whole, the same script gives the same log", async () => {
  const logs = [];
  for (const streaming of [true, false]) {
    await using llm = await startLlmServer([toolCalls([echo({ n: 1 }), echo({ n: 2 })]), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: servers });
    const session = app.sessions.open("c");
    await collect(session.prompt({ requestId: "r", text: "go", streaming }));
    const log = (await session.history()).map(({ at: _, turnId: __, ...event }) => withoutNode(event));
    logs.push(log);
  }
  const inOrder = (log: unknown[] | undefined) => JSON.stringify(log);
  expect(inOrder(logs[0])).toBe(inOrder(logs[1]));
});

test("a stream that breaks after its first words keeps them in the log, and fails", async () => {
  await using llm = await startLlmServer([
    stream([chunk({ content: "half an " }), chunk({ content: "answer" }), cutStream]),
  ]);
  await using app = await startApp({ llm: llm.url });
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "hi", streaming: true }));
  expect(shape(events)).toEqual(["user_message", "assistant_message", "turn_error"]);
  expect(events.filter(isStored)[1]).toMatchObject({ interrupted: true, message: { content: "half an answer" } });
  expect(events.at(-1)).toMatchObject({ error: { kind: "stream_interrupted" } });
});

test("a denied tool is neither offered nor run", async () => {
  await using llm = await startLlmServer([toolCalls([echo({})]), answer("ok")]);
  await using app = await startApp({ llm: llm.url, mcpServers: servers });
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go", deny: ["s.echo"] }));
  expect(llm.requests[0]?.body.tools?.map((tool) => tool.function.name)).not.toContain("s__echo");
  expect(events.find((event) => event.type === "tool_result")).toMatchObject({ isError: true });
});

test("a program runs a turn without a conversation", async () => {
  await using llm = await startLlmServer([toolCalls([echo({ n: 1 }, "a")]), answer("done")]);
  await using app = await startApp({ llm: llm.url, mcpServers: servers });
  await app.ready();
  const rules = { allow: [], deny: [] };
  const turn = app.orchestrator.runTurn([{ role: "user", content: [{ type: "text", text: "go" }] }], {
    turnId: "turn_1",
    system: "Be brief.",
    streaming: false,
    maxToolHops: 5,
    rules: {
      turn: { all: true, ...rules },
      permissions: { ask: [], ...rules },
      approval: "ask",
      changedTools: "ask",
      memory: { find: () => undefined, remember: () => {} },
    },
    signal: new AbortController().signal,
    answer: async () => false,
  });
  const types: string[] = [];
  for await (const { type } of turn) types.push(type);
  expect(types).toEqual([
    "assistant_message",
    "tool_call",
    "tool_sent",
    "tool_result",
    "assistant_message",
    "turn_end",
  ]);
  expect(llm.requests[0]?.body.messages?.[0]).toEqual({ role: "system", content: "Be brief." });
});

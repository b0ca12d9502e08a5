import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { methods } from "@agentclientprotocol/sdk";
import { describe, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { newSession, openAcp } from "../support/acp.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { answer, chunk, failure, held, stall, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { httpServer } from "../support/mcp-http.js";

const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
const echo = (value = 1) => toolCalls([{ name: "s__echo", arguments: { value } }]);
const literal = `\${HOME}`;
const fixture = (name: string, behaviour: object = {}) => ({
  name,
  command: process.execPath,
  args: [resolve("tests/support/mcp-server.mjs"), JSON.stringify(behaviour)],
  env: [{ name: "SECRET", value: literal }],
});

describe("authentication", () => {
  test("has one method, which checks that a model can be asked, and no other", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const { initialize, authenticate } = methods.agent;
    const { authMethods } = await acp.agent.request(initialize, { protocolVersion: 1, clientCapabilities: {} });
    // The check of the agent registry: https://github.com/agentclientprotocol/registry
    expect(authMethods).toMatchObject([{ id: "configuration", name: expect.any(String) }]);
    expect(await acp.agent.request(authenticate, { methodId: "configuration" })).toEqual({});
    const other = acp.agent.request(authenticate, { methodId: "other" });
    await expect(other).rejects.toMatchObject({ code: -32602, message: expect.stringContaining('"other"') });
  });
});

describe("a prompt", () => {
  test("is answered in chunks, with its tool calls, its usage and why it ended", async () => {
    await using llm = await startLlmServer([echo(), answer("all done", { reasoning: "hm" })]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin();
    expect(await acp.prompt(sessionId, "hi")).toEqual({ stopReason: "end_turn" });
    expect(acp.said()).toBe("all done");
    expect(acp.of("agent_thought_chunk")).toMatchObject([{ content: { type: "text", text: "hm" } }]);
    expect(acp.of("tool_call")).toMatchObject([{ title: "s.echo", status: "pending", rawInput: { value: 1 } }]);
    expect(acp.of("tool_call_update")).toMatchObject([
      { status: "in_progress" },
      { status: "completed", content: [{ type: "content", content: { type: "text", text: '{"value":1}' } }] },
    ]);
    expect(acp.of("usage_update").at(-1)).toMatchObject({ used: 15, size: expect.any(Number) });
    expect(acp.of("session_info_update")).toMatchObject([{ title: "hi" }]);
    const ids = [...acp.of("tool_call"), ...acp.of("tool_call_update")].map(({ toolCallId }) => toolCallId);
    expect(new Set(ids).size).toBe(1);
  });

  test("tells the client the title that the conversation gets later, through any front door", async () => {
    await using llm = await startLlmServer(() => answer("ok"));
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin();
    await acp.prompt(sessionId, "hi");
    await app.sessions.conversations.label(sessionId, { title: "Greetings" });
    await acp.until((update) => update.sessionUpdate === "session_info_update" && update.title === "Greetings");
    expect(acp.of("session_info_update")).toMatchObject([{ title: "hi" }, { title: "Greetings" }]);
  });

  test("takes images and what an editor attaches", async () => {
    await using llm = await startLlmServer([answer("a cat")]);
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin();
    await acp.agent.request(methods.agent.session.prompt, {
      sessionId,
      prompt: [
        { type: "text", text: "what is it?" },
        { type: "image", data: "aGk=", mimeType: "image/png" },
        { type: "resource", resource: { uri: "file:///a.txt", text: "attached words" } },
        { type: "resource_link", uri: "file:///b.txt", name: "b.txt" },
      ],
    });
    const sent = JSON.stringify(llm.requests[0]?.body.messages?.at(-1));
    for (const part of ["what is it?", "data:image/png;base64,aGk=", "attached words", "file:///b.txt"]) {
      expect(sent).toContain(part);
    }
  });

  test("ends as cancelled when the client cancels it, and the session takes the next prompt", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), stall]), answer("next")]);
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin();
    const first = acp.prompt(sessionId, "hi");
    await acp.until(({ sessionUpdate }) => sessionUpdate === "agent_message_chunk");
    await acp.agent.notify(methods.agent.session.cancel, { sessionId });
    expect(await first).toEqual({ stopReason: "cancelled" });
    expect(await acp.prompt(sessionId, "again")).toEqual({ stopReason: "end_turn" });
  });

  test("ends with an error if the host ends before the cancel is in the log", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), stall])]);
    const path = join(mkdtempSync(join(tmpdir(), "mcp-platform-")), "log.db");
    const app = await startApp({ llm: llm.url, storage: { driver: "sqlite", path } });
    const acp = await openAcp(app);
    const sessionId = await acp.begin();
    const prompt = acp.prompt(sessionId, "hi");
    await acp.until(({ sessionUpdate }) => sessionUpdate === "agent_message_chunk");
    const db = await connect(path);
    for (const table of ["mail", "entries"]) {
      db.exec(
        `CREATE TRIGGER full_${table} BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
      );
    }
    db.close();
    await acp.agent.notify(methods.agent.session.cancel, { sessionId });
    await llm.aborted(1);
    await Promise.all([app.drain(0), expect(prompt).rejects.toMatchObject({ code: -32603 })]);
  });

  test("runs once when it is sent twice under one request id", async () => {
    await using llm = await startLlmServer([echo(), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin();
    const named = (text: string, id: unknown = "r1") =>
      acp.agent.request(methods.agent.session.prompt, {
        sessionId,
        prompt: [{ type: "text", text }],
        _meta: { "mcp-platform/request-id": id },
      });
    const end = { stopReason: "end_turn" };
    expect(await Promise.all([named("hi"), named("hi")])).toEqual([end, end]);
    expect(acp.said()).toBe("done");
    expect(await named("hi")).toEqual(end);
    expect(acp.said()).toBe("donedone");
    expect(acp.permissions).toHaveLength(1);
    await expect(named("other")).rejects.toMatchObject({ code: -32602, data: { kind: "request_mismatch" } });
    await expect(named("hi", 1)).rejects.toMatchObject({ code: -32602 });
  });

  test("fails with an error that has a kind and says whether a retry may help", async () => {
    await using llm = await startLlmServer([failure(401)]);
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin();
    await expect(acp.prompt(sessionId, "hi")).rejects.toMatchObject({
      code: -32603,
      data: { kind: "auth", retryable: false },
    });
  });

  test("of a session that was never opened is refused", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    await expect(acp.prompt("nowhere", "hi")).rejects.toMatchObject({ code: -32002, data: { sessionId: "nowhere" } });
  });

  test("is answered although the client has closed its input, and nobody can be asked", async () => {
    await using llm = await startLlmServer([echo(), answer("without it")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    await using acp = await openAcp(app, { onPermission: () => new Promise(() => {}) });
    const sessionId = await acp.begin();
    const ended = acp.prompt(sessionId, "hi");
    await acp.until(({ sessionUpdate }) => sessionUpdate === "tool_call");
    acp.end();
    expect(await ended).toEqual({ stopReason: "end_turn" });
    expect(await acp.exitCode).toBe(0);
    expect(acp.of("tool_call_update")).toMatchObject([{ status: "failed" }]);
  });
});

describe("a tool that needs approval", () => {
  const twice = async (choice: string | undefined) => {
    const llm = await startLlmServer([echo(), answer("a"), echo(2), answer("b")]);
    const app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const acp = await openAcp(app, { onPermission: () => choice });
    const sessionId = await acp.begin();
    await acp.prompt(sessionId, "one");
    await acp.prompt(sessionId, "two");
    const results = acp.of("tool_call_update").filter(({ status }) => status === "completed" || status === "failed");
    await acp[Symbol.asyncDispose]();
    await app.close();
    await llm[Symbol.asyncDispose]();
    return { asked: acp.permissions, results: results.map(({ status }) => status) };
  };

  test("is asked about with its call and the four options", async () => {
    const { asked, results } = await twice("allow_once");
    expect(results).toEqual(["completed", "completed"]);
    expect(asked).toHaveLength(2);
    expect(asked[0]?.options.map(({ kind }) => kind)).toEqual([
      "allow_once",
      "allow_always",
      "reject_once",
      "reject_always",
    ]);
    expect(asked[0]?.toolCall).toMatchObject({ title: "s.echo", rawInput: { value: 1 } });
    expect(JSON.stringify(asked[0]?.toolCall.content)).toContain("not known to be read-only");
  });

  test.each([
    ["allow_always", 1, "completed"],
    ["reject_always", 1, "failed"],
    ["reject_once", 2, "failed"],
    [undefined, 2, "failed"],
  ])("answered %s is asked %i times in two turns and has %s", async (choice, times, status) => {
    const { asked, results } = await twice(choice);
    expect(asked).toHaveLength(times);
    expect(results).toEqual([status, status]);
  });

  test("is asked about alone also if an answer has several, and not at all if another client has answered", async () => {
    const calls = [1, 2, 3].map((value) => ({ name: "s__echo", arguments: { value }, id: `c${value}` }));
    await using llm = await startLlmServer([toolCalls(calls), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const questionIds: string[] = [];
    let open = 0;
    const onPermission = async () => {
      expect(++open).toBe(1);
      if (acp.permissions.length === 1) app.sessions.open(sessionId).answer(questionIds[1] ?? "", false);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return "allow_once";
    };
    await using acp = await openAcp(app, { onPermission });
    const sessionId = await acp.begin();
    app.sessions.open(sessionId).turns.listen((event) => {
      if (event.type === "question") questionIds.push(event.questionId);
    });
    await acp.prompt(sessionId, "go");
    expect(acp.permissions.map(({ toolCall }) => toolCall.rawInput)).toEqual([{ value: 1 }, { value: 3 }]);
    const ended = acp.of("tool_call_update").filter(({ status }) => status === "completed");
    expect(ended).toHaveLength(2);
  });

  test("runs without a question in the mode auto", async () => {
    await using llm = await startLlmServer([echo(), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    await using acp = await openAcp(app);
    const { sessionId, modes } = await newSession(acp.agent);
    expect(modes).toMatchObject({ currentModeId: "ask", availableModes: [{ id: "ask" }, { id: "auto" }] });
    await acp.agent.request(methods.agent.session.setMode, { sessionId, modeId: "auto" });
    await acp.prompt(sessionId, "hi");
    expect(acp.permissions).toEqual([]);
    expect(acp.of("config_option_update").at(-1)).toMatchObject({ configOptions: [{ currentValue: "auto" }, {}] });
    const unknown = acp.agent.request(methods.agent.session.setMode, { sessionId, modeId: "yolo" });
    await expect(unknown).rejects.toMatchObject({ code: -32602 });
  });

  const auto = (permissions: object = {}) => ({
    chat: { service: { approval: "auto", permissions }, storage: { driver: "memory" } },
  });

  test("is asked about by an ask rule, although the configuration runs calls that no rule decides", async () => {
    await using llm = await startLlmServer([echo(), answer("done")]);
    const config = auto({ ask: ["s.echo"] });
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    await using acp = await openAcp(app, { onPermission: () => "reject_once" });
    const { sessionId, modes } = await newSession(acp.agent);
    expect(modes).toMatchObject({ currentModeId: "auto" });
    await acp.prompt(sessionId, "hi");
    expect(acp.permissions).toHaveLength(1);
    // The rule asks each time, so the answer "always" is not offered.
    const kinds = acp.permissions[0]?.options.map(({ kind }) => kind);
    expect(kinds).toEqual(["allow_once", "reject_once", "reject_always"]);
    expect(acp.of("tool_call_update").at(-1)).toMatchObject({ status: "failed" });
  });

  test("stays denied by a stored no, although the configuration now runs calls that no rule decides", async () => {
    await using llm = await startLlmServer([echo(), answer("a"), echo(), answer("b")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    await using acp = await openAcp(app, { onPermission: () => "reject_always" });
    const sessionId = await acp.begin();
    await acp.prompt(sessionId, "one");
    const { config } = app;
    const service = { ...config.chat.service, approval: "auto" as const };
    await app.apply({ ...config, chat: { ...config.chat, service } });
    await acp.prompt(sessionId, "two");
    const ends = acp.of("tool_call_update").filter(({ status }) => status === "completed" || status === "failed");
    expect(ends.map(({ status }) => status)).toEqual(["failed", "failed"]);
  });

  test("runs without a question in a session of the folder for which it was allowed, and is asked about in another folder", async () => {
    await using llm = await startLlmServer([echo(), answer("a"), echo(), answer("b"), echo(), answer("c")]);
    const server = fixtureServer({ greeting: "allowed in one folder" });
    await using app = await startApp({ llm: llm.url, mcpServers: { s: server }, config: ask });
    const session = app.sessions.open();
    for await (const event of session.prompt({ requestId: "r", text: "go" })) {
      if (event.type === "question") session.answer(event.questionId, { allow: true, remember: "project" });
    }
    await using acp = await openAcp(app);
    const asked: number[] = [];
    for (const cwd of [process.cwd(), tmpdir()]) {
      const { sessionId } = await acp.agent.request(methods.agent.session.new, { cwd, mcpServers: [] });
      await acp.prompt(sessionId, "go");
      asked.push(acp.permissions.length);
    }
    expect(asked).toEqual([0, 1]);
  });

  test.each(["setMode", "setConfigOption"] as const)(
    "is asked about from the next call of the running turn on after the mode ask was chosen with %s",
    async (way) => {
      const second = held(echo(2));
      await using llm = await startLlmServer([echo(), second.step, answer("done")]);
      await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
      await using acp = await openAcp(app, { onPermission: () => "reject_once" });
      const sessionId = await acp.begin();
      const { setMode, setConfigOption } = methods.agent.session;
      await acp.agent.request(setMode, { sessionId, modeId: "auto" });
      const ended = acp.prompt(sessionId, "hi");
      await llm.received(2);
      if (way === "setMode") await acp.agent.request(setMode, { sessionId, modeId: "ask" });
      else await acp.agent.request(setConfigOption, { sessionId, configId: "mode", value: "ask" });
      second.release();
      await ended;
      expect(acp.permissions).toHaveLength(1);
      const ends = acp.of("tool_call_update").filter(({ status }) => status === "completed" || status === "failed");
      expect(ends.map(({ status }) => status)).toEqual(["completed", "failed"]);
    },
  );

  test("does not wait for the question about another call of the same answer if it is allowed; the mode ask holds from the next call on", async () => {
    const both = ["s__big", "s__echo"].map((name) => ({ name, arguments: {} }));
    await using llm = await startLlmServer([toolCalls(both), answer("done")]);
    const config = auto({ ask: ["s.echo"] });
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    const onPermission = async ({ sessionId }: { sessionId: string }) => {
      await acp.agent.request(methods.agent.session.setMode, { sessionId, modeId: "ask" });
      return "reject_once";
    };
    await using acp = await openAcp(app, { onPermission });
    await acp.prompt(await acp.begin(), "hi");
    expect(acp.permissions.map(({ toolCall }) => toolCall.title)).toEqual(["s.echo"]);
    const ends = acp.of("tool_call_update").filter(({ status }) => status === "completed" || status === "failed");
    expect(ends.map(({ status }) => status).sort()).toEqual(["completed", "failed"]);
  });

  test("is withdrawn from the client when it is answered elsewhere, and the turn continues", async () => {
    await using llm = await startLlmServer([echo(), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    let isWithdrawn = false;
    const onPermission = (_request: object, signal: AbortSignal) =>
      new Promise<undefined>((resolve) => {
        signal.addEventListener("abort", () => {
          isWithdrawn = true;
          resolve(undefined);
        });
      });
    await using acp = await openAcp(app, { onPermission });
    const sessionId = await acp.begin();
    const session = app.sessions.open(sessionId);
    session.turns.listen(
      (event) => event.type === "question" && setImmediate(() => session.answer(event.questionId, true)),
    );
    expect(await acp.prompt(sessionId, "hi")).toEqual({ stopReason: "end_turn" });
    expect(isWithdrawn).toBe(true);
    expect(acp.of("tool_call_update").at(-1)).toMatchObject({ status: "completed" });
  });

  test("is asked about in a session that is open when the configuration begins to ask", async () => {
    await using llm = await startLlmServer([echo(), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: auto() });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin();
    const { config } = app;
    const service = { ...config.chat.service, approval: "ask" as const };
    await app.apply({ ...config, chat: { ...config.chat, service } });
    await acp.prompt(sessionId, "hi");
    expect(acp.permissions).toHaveLength(1);
    expect(acp.of("current_mode_update")).toMatchObject([{ currentModeId: "ask" }]);
    expect(acp.of("config_option_update").at(-1)).toMatchObject({ configOptions: [{ currentValue: "ask" }, {}] });
  });
});

describe("questions other than approvals", () => {
  const form = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
  const call = (method: string, params: object) => toolCalls([{ name: "s__ask", arguments: { method, params } }]);

  test("a form goes to a client that shows forms, and its answer to the server", async () => {
    const asks = call("elicitation/create", { message: "who?", requestedSchema: form });
    await using llm = await startLlmServer([asks, answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using acp = await openAcp(app, {
      capabilities: { elicitation: { form: {} } },
      onElicitation: (request) => {
        expect(request).toMatchObject({ mode: "form", message: "s: who?", requestedSchema: form });
        return { action: "accept", content: { name: "Ada" } };
      },
    });
    await acp.prompt(await acp.begin(), "hi");
    expect(JSON.stringify(acp.of("tool_call_update").at(-1))).toContain("Ada");
  });

  test("a form is declined where the client shows none, and so is a page", async () => {
    const asks = call("elicitation/create", { message: "who?", requestedSchema: form });
    const visits = call("elicitation/create", {
      mode: "url",
      message: "go",
      url: "https://a.example",
      elicitationId: "e",
    });
    await using llm = await startLlmServer([asks, visits, answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using acp = await openAcp(app);
    await acp.prompt(await acp.begin(), "hi");
    const results = acp.of("tool_call_update").filter(({ status }) => status === "completed");
    expect(results.map((result) => JSON.stringify(result).includes("decline"))).toEqual([true, true]);
  });

  test("a limit is asked about as a permission with its figures", async () => {
    await using llm = await startLlmServer([echo(), answer("done")]);
    const limits = { turn: { hops: 1 } };
    const config = { chat: { service: { approval: "auto" }, limits, storage: { driver: "memory" } } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    await using acp = await openAcp(app);
    expect(await acp.prompt(await acp.begin(), "hi")).toEqual({ stopReason: "end_turn" });
    expect(acp.permissions).toMatchObject([
      {
        toolCall: { title: expect.stringContaining("1 of 1 requests to the model") },
        options: [{ kind: "allow_once" }, {}],
      },
    ]);
  });

  test("refusing to go over a limit ends the turn with ACP's stop reason for it", async () => {
    await using llm = await startLlmServer([echo(), answer("as far as I got")]);
    const limits = { turn: { hops: 1 } };
    const config = { chat: { service: { approval: "auto" }, limits, storage: { driver: "memory" } } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    await using acp = await openAcp(app, { onPermission: () => "reject_once" });
    expect(await acp.prompt(await acp.begin(), "hi")).toEqual({ stopReason: "max_turn_requests" });
  });
});

describe("servers of the client", () => {
  test("belong to the session alone, get their values unchanged, and end with the session", async () => {
    await using llm = await startLlmServer([
      toolCalls([{ name: "mine__env", arguments: {} }]),
      answer("done"),
      answer("no tools"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin([fixture("mine")]);
    await acp.prompt(sessionId, "hi");
    const [shown] = acp.of("tool_call_update").at(-1)?.content ?? [];
    const text = shown?.type === "content" && shown.content.type === "text" ? shown.content.text : "{}";
    expect(JSON.parse(text)).toMatchObject({ SECRET: literal });
    const offered = llm.requests[0]?.body.tools?.map(({ function: { name } }) => name) ?? [];
    expect(offered).toEqual(expect.arrayContaining(["mine__echo", "s__echo"]));

    await acp.prompt(await acp.begin(), "hi");
    const others = llm.requests.at(-1)?.body.tools?.map(({ function: { name } }) => name) ?? [];
    expect(others.filter((name) => name.startsWith("mine__"))).toEqual([]);

    await acp.agent.request(methods.agent.session.close, { sessionId });
    await expect(acp.prompt(sessionId, "hi")).rejects.toMatchObject({ code: -32002 });
  });

  test("may be remote servers", async () => {
    await using server = await httpServer();
    const call = toolCalls([{ name: "r__echo", arguments: { value: 1 } }]);
    await using llm = await startLlmServer([call, answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using acp = await openAcp(app);
    const headers = [{ name: "x-token", value: "t1" }];
    await acp.prompt(await acp.begin([{ type: "http", name: "r", url: server.url, headers }]), "hi");
    expect(server.seen.some((line) => line.includes("tools/call"))).toBe(true);
    expect(server.headers.every((sent) => sent["x-token"] === "t1")).toBe(true);
  });

  test("get another name if the host has a server of that name, so that the host's rules do not allow their calls", async () => {
    const config = {
      chat: { service: { approval: "ask", permissions: { allow: ["s.*"] } }, storage: { driver: "memory" } },
    };
    const both = toolCalls(
      ["s", "s-editor", "s-editor-editor"].map((server) => ({ name: `${server}__env`, arguments: {} })),
    );
    await using llm = await startLlmServer([both, answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    await using acp = await openAcp(app, { onPermission: () => "reject_once" });
    await acp.prompt(await acp.begin([fixture("s"), fixture("s")]), "hi");
    expect(acp.permissions.map(({ toolCall }) => toolCall.title)).toEqual(["s-editor.env", "s-editor-editor.env"]);
    const ran = acp.of("tool_call_update").filter(({ status }) => status === "completed");
    expect(JSON.stringify(ran)).not.toContain("SECRET");
    expect(ran).toHaveLength(1);
  });

  test("are not offered while the host has a later server of the same name", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "mine__env", arguments: {} }]), answer("done")]);
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin([fixture("mine")]);
    const { config: later } = loadConfig({ mcpServers: { mine: fixtureServer() } }, { env: {} });
    await app.apply({ ...app.config, mcpServers: later.mcpServers });
    await acp.prompt(sessionId, "hi");
    const ran = acp.of("tool_call_update").filter(({ status }) => status === "completed");
    expect(ran).toHaveLength(1);
    expect(JSON.stringify(ran)).not.toContain("SECRET");
  });

  test("make the session fail if they are invalid", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const wrong = acp.begin([{ type: "http", name: "s", url: "not an address", headers: [] }]);
    await expect(wrong).rejects.toMatchObject({ code: -32602, data: { kind: "config" } });
    const relative = acp.agent.request(methods.agent.session.new, { cwd: "here", mcpServers: [] });
    await expect(relative).rejects.toMatchObject({ code: -32602 });
  });
});

describe("a conversation of the log", () => {
  test("is listed, shown again as it was, and continued", async () => {
    await using llm = await startLlmServer([echo(), answer("first answer"), answer("second answer")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    let sessionId = "";
    {
      await using acp = await openAcp(app);
      sessionId = await acp.begin();
      await acp.prompt(sessionId, "a first question");
    }
    await using acp = await openAcp(app);
    const cwd = process.cwd();
    const { sessions } = await acp.agent.request(methods.agent.session.list, { cwd });
    expect(sessions).toMatchObject([{ sessionId, cwd, title: "a first question" }]);
    expect(await acp.agent.request(methods.agent.session.list, { cwd: "/elsewhere" })).toEqual({ sessions: [] });

    const loaded = await acp.agent.request(methods.agent.session.load, { sessionId, cwd, mcpServers: [] });
    expect(loaded?.modes).toMatchObject({ currentModeId: "auto" });
    expect(acp.of("user_message_chunk")).toMatchObject([{ content: { text: "a first question" } }]);
    expect(acp.said()).toBe("first answer");
    expect(acp.of("tool_call")).toMatchObject([{ title: "s.echo" }]);
    await acp.prompt(sessionId, "and then?");
    expect(acp.said()).toBe("first answersecond answer");
    expect(llm.requests.at(-1)?.body.messages?.filter(({ role }) => role === "user")).toHaveLength(2);
  });

  test("is shown again while its turn runs: each event once, and a running call of the editor's server ends", async () => {
    const folder = mkdtempSync(join(tmpdir(), "acp-"));
    const path = join(folder, "go");
    await using llm = await startLlmServer([toolCalls([{ name: "mine__wait", arguments: { path } }]), answer("done")]);
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const mcpServers = [fixture("mine")];
    const sessionId = await acp.begin(mcpServers);
    const prompt = acp.prompt(sessionId, "hi");
    await acp.until(() => acp.of("tool_call").length > 0);
    await acp.agent.request(methods.agent.session.load, { sessionId, cwd: process.cwd(), mcpServers });
    await acp.until(() => acp.of("tool_call").length > 1);
    writeFileSync(path, "");
    expect(await prompt).toMatchObject({ stopReason: "end_turn" });
    expect(acp.of("tool_call_update").filter(({ status }) => status === "completed")).toHaveLength(1);
    expect(acp.of("user_message_chunk")).toMatchObject([{ content: { text: "hi" } }]);
    expect(acp.said()).toBe("done");
    rmSync(folder, { recursive: true });
  });

  test("is found through the pages of the list; an invalid cursor gives the first page", async () => {
    await using llm = await startLlmServer(() => answer("ok"));
    await using app = await startApp({ llm: llm.url });
    await using acp = await openAcp(app);
    const first = await acp.begin();
    await acp.prompt(first, "first");
    const ids = Array.from({ length: 100 }, (_, index) => `c${index}`);
    await Promise.all(ids.map((id) => collect(app.sessions.open(id).prompt({ requestId: "r", text: id }))));
    const list = (cursor?: string) => acp.agent.request(methods.agent.session.list, { ...(cursor && { cursor }) });
    const page = await list();
    expect(page).toMatchObject({ sessions: { length: 100 }, nextCursor: expect.any(String) });
    expect(await list(page.nextCursor ?? "")).toMatchObject({ sessions: [{ sessionId: first }] });
    expect(await list("rubbish")).toEqual(page);
  });

  test("can be resumed without being shown, if it exists", async () => {
    await using llm = await startLlmServer([answer("first answer")]);
    await using app = await startApp({ llm: llm.url });
    let sessionId = "";
    {
      await using acp = await openAcp(app);
      sessionId = await acp.begin();
      await acp.prompt(sessionId, "hi");
    }
    await using acp = await openAcp(app);
    const cwd = process.cwd();
    await acp.agent.request(methods.agent.session.resume, { sessionId, cwd, mcpServers: [] });
    expect(acp.said()).toBe("");
    const unknown = acp.agent.request(methods.agent.session.load, { sessionId: "c0", cwd, mcpServers: [] });
    await expect(unknown).rejects.toMatchObject({ code: -32002 });
  });

  test("continues a turn that a dead host left unfinished, with the client's servers, when it is loaded", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
    const storage = { driver: "sqlite", path: join(folder, "log.db") };
    await using llm = await startLlmServer([
      toolCalls([{ name: "mine__echo", arguments: {} }]),
      stream([stall]),
      answer("went on"),
    ]);
    let sessionId = "";
    {
      await using app = await startApp({ llm: llm.url, storage });
      const acp = await openAcp(app);
      sessionId = await acp.begin([fixture("mine")]);
      acp.prompt(sessionId, "hi").catch(() => {});
      await llm.received(2);
      await app.drain(0);
    }
    await using app = await startApp({ llm: llm.url, storage });
    await using acp = await openAcp(app);
    const cwd = process.cwd();
    await acp.agent.request(methods.agent.session.load, { sessionId, cwd, mcpServers: [fixture("mine")] });
    await acp.until((update) => update.sessionUpdate === "agent_message_chunk" && acp.said() === "went on");
    expect(acp.of("tool_call")).toHaveLength(1);
    const offered = llm.requests.at(-1)?.body.tools?.map(({ function: { name } }) => name) ?? [];
    expect(offered).toContain("mine__echo");
    await app.sessions.open(sessionId).turns.idle();
    rmSync(folder, { recursive: true });
  });
});

describe("a session", () => {
  test("uses the chosen model for the next prompts", async () => {
    await using llm = await startLlmServer([answer("done")]);
    const providers = {
      test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" },
      other: { base_url: llm.url, model: "m2", api_key: "sk-test-0123456789" },
    };
    await using app = await startApp({ llm: llm.url, config: { llm: { active: "test", providers } } });
    await using acp = await openAcp(app);
    const { sessionId, configOptions } = await newSession(acp.agent);
    expect(configOptions?.[1]).toMatchObject({ category: "model", currentValue: "test/m1" });
    expect(JSON.stringify(configOptions?.[1])).toContain("other/m2");
    const after = await acp.agent.request(methods.agent.session.setConfigOption, {
      sessionId,
      configId: "model",
      value: "other/m2",
    });
    expect(after.configOptions[1]).toMatchObject({ currentValue: "other/m2" });
    await acp.prompt(sessionId, "hi");
    expect(llm.requests[0]?.body.model).toBe("m2");
  });

  test("keeps the choices when the client loads it again", async () => {
    await using llm = await startLlmServer([answer("done")]);
    await using app = await startApp({ llm: llm.url, config: { chat: { service: { approval: "auto" } } } });
    await using acp = await openAcp(app);
    const { sessionId } = await newSession(acp.agent);
    await acp.agent.request(methods.agent.session.setMode, { sessionId, modeId: "ask" });
    await acp.prompt(sessionId, "hi");
    for (const opened of [methods.agent.session.load, methods.agent.session.resume]) {
      const again = await acp.agent.request(opened, { sessionId, cwd: process.cwd(), mcpServers: [] });
      expect(again.modes).toMatchObject({ currentModeId: "ask" });
    }
  });

  test("runs slash commands; an unknown one is sent to the model as a prompt", async () => {
    await using llm = await startLlmServer([answer("it is a path")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using acp = await openAcp(app);
    const sessionId = await acp.begin();
    await acp.until(({ sessionUpdate }) => sessionUpdate === "available_commands_update");
    const names = acp.of("available_commands_update")[0]?.availableCommands.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["tools", "model", "prompt"]));
    expect(names).not.toContain("exit");
    expect(await acp.prompt(sessionId, "/tools")).toEqual({ stopReason: "end_turn" });
    expect(acp.said()).toContain("s.echo");
    await acp.prompt(sessionId, "/model test/m9");
    expect(acp.of("config_option_update").at(-1)?.configOptions[1]).toMatchObject({ currentValue: "test/m9" });
    await acp.prompt(sessionId, "/usr/bin is what?");
    expect(acp.said()).toContain("it is a path");
    expect(llm.requests[0]?.body.model).toBe("m9");
  });

  test("shows a plan if the model keeps one with a tool", async () => {
    const pages = [[{ name: "update_plan", inputSchema: { type: "object" } }]];
    const plan = [
      { step: "look", status: "completed" },
      { step: "leap", status: "in_progress" },
    ];
    await using llm = await startLlmServer([
      toolCalls([{ name: "s__update_plan", arguments: { plan } }]),
      answer("ok"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ pages }) } });
    await using acp = await openAcp(app);
    await acp.prompt(await acp.begin(), "hi");
    expect(acp.of("plan")).toMatchObject([
      {
        entries: [
          { content: "look", status: "completed" },
          { content: "leap", status: "in_progress" },
        ],
      },
    ]);
  });
});

import { describe, expect, test } from "@jest/globals";
import type { PipeOptions } from "../../../src/doors/claude/claude-conversation.js";
import { fixtureServer, startApp } from "../../support/app.js";
import {
  answer,
  chunk,
  failure,
  held,
  STALL,
  type Step,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { until } from "../../support/mcp-hub.js";
import { HeldSink, sayAndCall } from "../support.js";
import { openPipe, shape } from "./client.js";

const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
const initialize = { subtype: "initialize" };

async function withEcho(steps: readonly Step[], options: Partial<PipeOptions> = {}) {
  const llm = await startLlmServer(steps);
  const app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
  const pipe = openPipe(app, options);
  return {
    llm,
    app,
    pipe,
    async [Symbol.asyncDispose]() {
      await app.close();
      await llm[Symbol.asyncDispose]();
    },
  };
}

describe("for claude-agent-acp", () => {
  test("each prompt is written again, under its uuid, before its turn", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app, { replaysPrompts: true });
    pipe.user("first", { uuid: "u1" });
    pipe.user([{ type: "text", text: "second" }], { uuid: "u2" });
    expect(await pipe.end()).toBe(0);
    expect(pipe.messages("user")).toEqual([
      {
        type: "user",
        message: { role: "user", content: "first" },
        parent_tool_use_id: null,
        isReplay: true,
        session_id: "c",
        uuid: "u1",
      },
      expect.objectContaining({ uuid: "u2", message: { role: "user", content: [{ type: "text", text: "second" }] } }),
    ]);
    expect(pipe.messages().map(({ type }) => type)).toEqual(
      ["user", "system", "assistant", "result"].flatMap((type, _, all) => (type === "user" ? [...all, ...all] : [])),
    );
  });

  test("hooks that are only told of something are taken", async () => {
    await using llm = await startLlmServer([answer("one")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.control("i1", { ...initialize, hooks: { PostToolUse: [{ hookCallbackIds: ["h1"] }], PreToolUse: [] } });
    pipe.user("one");
    expect(await pipe.end()).toBe(0);
    expect(pipe.response("i1")).toMatchObject({ subtype: "success" });
  });
});

describe("tools that the initialize request rules out", () => {
  test("do not run", async () => {
    const steps = [toolCalls([{ name: "s__echo", arguments: {} }]), answer("done")];
    await using running = await withEcho(steps, { turn: { approval: "auto" } });
    const { llm, pipe } = running;
    pipe.control("i1", { ...initialize, disallowedTools: ["Read", "mcp__s__echo"] });
    pipe.user("one");
    expect(await pipe.end()).toBe(0);
    expect(pipe.response("i1")?.response).toMatchObject({ disallowed_tools_applied: true });
    expect(JSON.stringify(llm.requests[0]?.body.tools)).not.toContain("s__echo");
    expect(String(llm.requests[1]?.body.messages?.at(-1)?.content)).toContain("denied");
  });

  test("are the host's own for resources, where they are Claude Code's for them", async () => {
    const resources = [{ uri: "mem://a", name: "a" }];
    await using llm = await startLlmServer([answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ resources }) }, config: ask });
    const pipe = openPipe(app);
    pipe.control("i1", { ...initialize, disallowedTools: ["ReadMcpResourceTool"] });
    pipe.user("one");
    expect(await pipe.end()).toBe(0);
    const offered = JSON.stringify(llm.requests[0]?.body.tools);
    expect(offered).toContain("s__echo");
    expect(offered).not.toContain("read_resource");
  });

  test.each([[["mcp__s"]], ["Read,mcp__s"], [["*"]]])("are all of the server's: %j", async (rules) => {
    await using running = await withEcho([answer("done")], { turn: { approval: "auto" } });
    const { llm, pipe } = running;
    pipe.control("i1", { ...initialize, disallowedTools: rules });
    pipe.user("one");
    expect(await pipe.end()).toBe(0);
    expect(llm.requests[0]?.body.tools ?? []).toEqual([]);
  });

  test.each([[["mcp*"]], [["mcp__s__echo(*)"]], [[{ tool: "mcp__s" }]], [{ s: true }]])(
    "end every prompt if they cannot be translated: %j",
    async (rules) => {
      await using running = await withEcho([], { turn: { approval: "auto" } });
      const { llm, pipe } = running;
      pipe.control("i1", { ...initialize, disallowedTools: rules });
      pipe.user("one");
      expect(await pipe.end()).not.toBe(0);
      expect(pipe.response("i1")).toMatchObject({
        subtype: "error",
        error: expect.stringContaining("disallowedTools"),
      });
      expect(llm.requests).toEqual([]);
    },
  );
});

describe("several turns on one pipe", () => {
  test("are one conversation, each with an init, its messages and one result", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.user("first");
    pipe.user([{ type: "text", text: "second" }]);
    expect(await pipe.end()).toBe(0);
    const turn = ["system init", "assistant text", "result success"];
    expect(shape(pipe.messages())).toEqual([...turn, ...turn]);
    expect(pipe.messages("result").map(({ result, session_id }) => [result, session_id])).toEqual([
      ["one", "c"],
      ["two", "c"],
    ]);
    expect(llm.requests[1]?.body.messages?.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
  });

  test("count what they cost together, but their tokens apart", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.user("first");
    pipe.user("second");
    await pipe.end();
    const counted = { usage: { input_tokens: 10 }, modelUsage: { m1: { inputTokens: 10 } } };
    expect(pipe.messages("result")).toMatchObject([counted, { ...counted, modelUsage: { m1: { inputTokens: 20 } } }]);
  });

  test("take images", async () => {
    await using llm = await startLlmServer([answer("a cat")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    const source = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
    pipe.user([
      { type: "text", text: "what is it?" },
      { type: "image", source },
    ]);
    expect(await pipe.end()).toBe(0);
    expect(JSON.stringify(llm.requests[0]?.body.messages?.at(-1))).toContain("data:image/png;base64,iVBORw0KGgo=");
  });

  test("exit as the last of them does", async () => {
    await using llm = await startLlmServer([failure(401), answer("fine")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.user("first");
    await pipe.stdout.until('"type":"result"');
    pipe.user("second");
    expect(await pipe.end()).toBe(0);
    expect(pipe.messages("result").map(({ subtype }) => subtype)).toEqual(["error_during_execution", "success"]);
  });

  test("that have the same uuid are asked once, and answered twice", async () => {
    await using llm = await startLlmServer([answer("once")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.user("hi", { uuid: "u1" });
    pipe.user("hi", { uuid: "u1" });
    await pipe.stdout.until('"type":"result"');
    await pipe.stdout.until('"type":"result"');
    pipe.user("hi", { uuid: "u1" });
    expect(await pipe.end()).toBe(0);
    expect(llm.requests).toHaveLength(1);
    expect(pipe.messages("result")).toHaveLength(3);
    for (const result of pipe.messages("result")) {
      expect(result).toMatchObject({ result: "once", modelUsage: { m1: { inputTokens: 10 } } });
    }
  });

  test("with another text under a known uuid are refused", async () => {
    await using llm = await startLlmServer([answer("once")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.user("hi", { uuid: "u1" });
    pipe.user("something else", { uuid: "u1" });
    expect(await pipe.end()).toBe(2);
    expect(pipe.messages("result")[1]).toMatchObject({
      is_error: true,
      errors: [expect.stringContaining("already used")],
    });
  });

  test("end with 130 at Ctrl-C", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), STALL])]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app, { includePartialMessages: true, turn: { streaming: true } });
    pipe.user("hi");
    await pipe.stdout.until("text_delta");
    pipe.interrupt();
    expect(await pipe.end()).toBe(130);
    expect(pipe.messages("result")).toMatchObject([{ subtype: "error_during_execution", errors: ["cancelled"] }]);
  });
});

describe("a call that needs approval", () => {
  const echo = [sayAndCall("", "s__echo", { n: 1 }), answer("done")];
  const answered = async (response: object, subtype?: string) => {
    await using host = await withEcho(echo, { canAsk: true });
    const { pipe, app } = host;
    pipe.user("go");
    await pipe.stdout.until("can_use_tool");
    const asked = pipe.asked();
    pipe.respond(asked.request_id, response, subtype);
    const exitCode = await pipe.end();
    const [toolResult] = pipe.messages("user");
    const result = pipe.messages("result").at(-1);
    return {
      asked,
      exitCode,
      text: JSON.stringify(toolResult?.message),
      result,
      events: await app.sessions.history("c"),
    };
  };

  test("is asked for with can_use_tool, and runs when it is allowed", async () => {
    const { asked, exitCode, text, result } = await answered({ behavior: "allow", updatedInput: { n: 1 } });
    expect(asked).toMatchObject({
      type: "control_request",
      request: {
        subtype: "can_use_tool",
        tool_name: "s__echo",
        tool_use_id: "call_1",
        input: { n: 1 },
        decision_reason: expect.stringContaining("read-only"),
        permission_suggestions: [{ type: "addRules", behavior: "allow", destination: "session" }],
      },
    });
    expect(text).toContain('"is_error":false');
    expect(result).toMatchObject({ permission_denials: [] });
    expect(exitCode).toBe(0);
  });

  test("does not run when it is denied: the model is told why, and that is no failure of the run", async () => {
    const { exitCode, text, result } = await answered({ behavior: "deny", message: "not on a Friday" });
    expect(text).toContain("did not allow s__echo: not on a Friday");
    expect(result).toMatchObject({
      subtype: "success",
      permission_denials: [{ tool_name: "s__echo", tool_use_id: "call_1", tool_input: { n: 1 } }],
    });
    expect(exitCode).toBe(0);
  });

  test.each([
    ["with another input", { behavior: "allow", updatedInput: { n: 2 } }, "another input"],
    [
      "with a rule that denies",
      {
        behavior: "allow",
        updatedPermissions: [{ type: "addRules", behavior: "deny", rules: [{ toolName: "s__log" }] }],
      },
      "a rule or mode that restricts",
    ],
    [
      "with a permission taken back",
      { behavior: "allow", updatedPermissions: [{ type: "removeRules", behavior: "allow", rules: [] }] },
      "a rule or mode that restricts",
    ],
    ...["dontAsk", "plan", "default"].map((mode): [string, object, string] => [
      `with the mode ${mode}`,
      { behavior: "allow", updatedPermissions: [{ type: "setMode", mode, destination: "session" }] },
      "a rule or mode that restricts",
    ]),
    ["unclearly", { behavior: "maybe" }, "neither"],
    ["with nothing", {}, "neither"],
  ])("does not run when it is answered %s", async (_, response, reason) => {
    const { text, result } = await answered(response);
    expect(text).toContain(reason);
    expect(text).toContain('"is_error":true');
    expect(result).toMatchObject({ permission_denials: [{ tool_use_id: "call_1" }] });
  });

  test("does not run when the program failed to answer", async () => {
    expect((await answered({ behavior: "allow" }, "error")).text).toContain('"is_error":true');
  });

  test("ends the turn when the program denies it and interrupts", async () => {
    await using host = await withEcho(echo.slice(0, 1), { canAsk: true });
    const { pipe } = host;
    pipe.user("go");
    await pipe.stdout.until("can_use_tool");
    pipe.respond(pipe.asked().request_id, { behavior: "deny", message: "stop", interrupt: true });
    await pipe.stdout.until('"type":"result"');
    expect(await pipe.end()).toBe(130);
    expect(pipe.messages("result")).toMatchObject([{ subtype: "error_during_execution", errors: ["cancelled"] }]);
  });

  test("runs when it is allowed together with a mode that permits more", async () => {
    const updatedPermissions = [{ type: "setMode", mode: "acceptEdits", destination: "session" }];
    const { result } = await answered({ behavior: "allow", updatedPermissions });
    expect(result).toMatchObject({ permission_denials: [] });
  });

  test("is allowed for the rest of the session by a rule", async () => {
    await using host = await withEcho([...echo, sayAndCall("", "s__echo", { n: 2 }), answer("again")], {
      canAsk: true,
    });
    const { pipe } = host;
    pipe.user("go");
    await pipe.stdout.until("can_use_tool");
    const { request_id, request } = pipe.asked();
    pipe.respond(request_id, { behavior: "allow", updatedPermissions: request.permission_suggestions });
    pipe.user("go again");
    expect(await pipe.end()).toBe(0);
    expect(pipe.messages("control_request")).toHaveLength(1);
  });

  test("is denied without --permission-prompt-tool, and the exit code says so", async () => {
    await using host = await withEcho(echo);
    host.pipe.user("go");
    expect(await host.pipe.end()).toBe(6);
    expect(host.pipe.messages("control_request")).toEqual([]);
    expect(host.pipe.messages("result")).toMatchObject([{ permission_denials: [{ tool_name: "s__echo" }] }]);
  });

  test("is asked about once, also when its turn is shown again", async () => {
    await using host = await withEcho(echo, { canAsk: true });
    const { pipe, app } = host;
    pipe.user("go", { uuid: "u1" });
    pipe.user("go", { uuid: "u1" });
    await pipe.stdout.until("can_use_tool");
    pipe.respond(pipe.asked().request_id, { behavior: "allow" });
    expect(await pipe.end()).toBe(0);
    expect(pipe.messages("result")).toHaveLength(2);
    const later = openPipe(app, { canAsk: true });
    later.user("go", { uuid: "u1" });
    expect(await later.end()).toBe(0);
    expect(later.messages("result")).toMatchObject([{ result: "done" }]);
    const asked = [...pipe.messages(), ...later.messages()].filter(({ type }) => type.startsWith("control_"));
    expect(asked).toMatchObject([{ request: { subtype: "can_use_tool" } }]);
  });

  test("is asked for by a rule also where everything else is approved by configuration", async () => {
    await using llm = await startLlmServer(echo);
    const service = { approval: "auto", permissions: { ask: ["s.echo"] } };
    const config = { chat: { service, storage: { driver: "memory" } } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
    const pipe = openPipe(app, { approval: "auto", canAsk: true });
    pipe.user("go");
    await pipe.stdout.until("can_use_tool");
    expect(pipe.asked().request).toMatchObject({ tool_name: "s__echo", suppress_always_allow_rule: true });
    expect(await pipe.end()).toBe(6);
    expect(pipe.messages("system")).toMatchObject([{ permissionMode: "bypassPermissions" }]);
  });

  test("is denied when the input ends before the answer", async () => {
    await using host = await withEcho(echo, { canAsk: true });
    host.pipe.user("go");
    await host.pipe.stdout.until("can_use_tool");
    expect(await host.pipe.end()).toBe(6);
  });

  test("is not asked about any more when the turn is over, and a late answer is no mistake", async () => {
    await using host = await withEcho(echo.slice(0, 1), { canAsk: true });
    const { pipe } = host;
    pipe.user("go");
    await pipe.stdout.until("can_use_tool");
    const { request_id } = pipe.asked();
    pipe.control("i1", { subtype: "interrupt" });
    await pipe.stdout.until("control_cancel_request");
    pipe.respond(request_id, { behavior: "allow" });
    await pipe.stdout.until('"type":"result"');
    await pipe.end();
    expect(pipe.messages("control_cancel_request")).toEqual([{ type: "control_cancel_request", request_id }]);
    expect(pipe.messages("control_response")).toHaveLength(1);
  });
});

describe("control requests", () => {
  test("initialize is answered, and its system prompt holds", async () => {
    await using llm = await startLlmServer([answer("a"), answer("b")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.control("i1", { ...initialize, systemPrompt: ["Rhyme."] });
    pipe.user("one");
    await pipe.stdout.until('"type":"result"');
    pipe.control("i2", { ...initialize, appendSystemPrompt: "Briefly." });
    pipe.user("two");
    await pipe.end();
    expect(pipe.response("i1")).toMatchObject({
      subtype: "success",
      response: { commands: [], models: [{ value: "default" }] },
    });
    expect(llm.requests.map(({ body }) => body.messages?.[0]?.content)).toEqual(["Rhyme.", "Be kind.\n\nBriefly."]);
  });

  test.each([
    { hooks: { PreToolUse: [{ hookCallbackIds: ["h1"] }] } },
    { hooks: { PostToolUse: [{ matcher: "mcp__mail__.*", hookCallbackIds: ["h1"] }] } },
    { hooks: { PreModelSwitch: [{ hookCallbackIds: ["h1"] }] } },
    { sdkMcpServers: ["s"] },
    { mcpServers: { s: { command: "s" } } },
    { jsonSchema: { type: "object" } },
    { agents: { reader: { description: "reads", prompt: "Read." } } },
    { plugins: [{ type: "local", path: "guard" }] },
    { settings: { permissions: { deny: ["mcp__s"] } } },
    { managedSettings: { permissions: { deny: ["mcp__s"] } } },
    { codeRunningMcpTools: { s: ["run"] } },
    { toolAliases: { Bash: "mcp__s__bash", mcp__s__push: "mcp__s__ask_and_push" } },
  ])("initialize with what a program relies on is refused, and nothing runs without it: %j", async (fields) => {
    const name = Object.keys(fields).join();
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.control("i1", { ...initialize, ...fields });
    pipe.user("one");
    expect(await pipe.end()).toBe(2);
    expect(pipe.response("i1")).toMatchObject({ subtype: "error", error: expect.stringContaining(name) });
    expect(pipe.messages("result")).toMatchObject([{ is_error: true, errors: [expect.stringContaining(name)] }]);
  });

  test("initialize with other fields of the SDK 0.3.332, and with empty ones, is taken", async () => {
    await using llm = await startLlmServer([answer("one")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.control("i1", {
      ...initialize,
      hooks: {},
      sdkMcpServers: [],
      mcpServers: {},
      agents: {},
      plugins: [],
      settings: {},
      toolAliases: { Bash: "mcp__s__bash" },
      skills: ["pdf"],
      title: "t",
      planModeInstructions: "p",
      systemPromptSnapshot: true,
      appendSubagentSystemPrompt: "p",
      excludeDynamicSections: true,
      promptSuggestions: true,
      supportedDialogKinds: ["refusal_fallback_prompt"],
      webSearchIsolationExemptMcpServers: ["s"],
      workspaceTrust: { accepted: true, directory: "/here" },
    });
    pipe.user("one");
    expect(await pipe.end()).toBe(0);
    expect(pipe.response("i1")).toMatchObject({ subtype: "success" });
  });

  test("interrupt ends the running turn, and those that wait still run", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), STALL]), answer("next")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app, { includePartialMessages: true, turn: { streaming: true } });
    pipe.user("slow", { uuid: "u1" });
    pipe.user("quick", { uuid: "u2" });
    await pipe.stdout.until("text_delta");
    pipe.control("i1", { subtype: "interrupt" });
    expect(await pipe.end()).toBe(0);
    expect(pipe.response("i1")).toMatchObject({ response: { still_queued: ["u2"] } });
    expect(pipe.messages("result").map(({ subtype }) => subtype)).toEqual(["error_during_execution", "success"]);
  });

  test("interrupt with cancel_queued ends them all", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), STALL])]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app, { includePartialMessages: true, turn: { streaming: true } });
    pipe.user("slow", { uuid: "u1" });
    pipe.user("quick", { uuid: "u2" });
    await pipe.stdout.until("text_delta");
    pipe.control("i1", { subtype: "interrupt", cancel_queued: true });
    expect(await pipe.end()).toBe(130);
    expect(pipe.response("i1")).toMatchObject({ response: { still_queued: [], cancelled: ["u2"] } });
    expect(pipe.messages("result").map(({ errors }) => errors)).toEqual([["cancelled"], ["cancelled"]]);
  });

  test("set_model holds for the messages after it", async () => {
    await using llm = await startLlmServer([answer("a"), answer("b"), answer("c")]);
    await using app = await startApp({ llm: llm.url });
    const pipe = openPipe(app);
    pipe.user("one");
    pipe.control("m1", { subtype: "set_model", model: "m2" });
    pipe.user("two");
    pipe.control("m2", { subtype: "set_model", model: "default" });
    pipe.user("three");
    pipe.control("m3", { subtype: "set_model", model: "openai/m" });
    await pipe.end();
    expect(llm.requests.map(({ body }) => body.model)).toEqual(["m1", "m2", "m1"]);
    expect(pipe.messages("system").map(({ model }) => model)).toEqual(["m1", "m2", "m1"]);
    expect(pipe.response("m3")).toMatchObject({ subtype: "error", error: expect.stringContaining("OPENAI_API_KEY") });
  });

  test("set_permission_mode decides whether calls are approved, asked for or denied", async () => {
    const call = sayAndCall("", "s__echo");
    await using host = await withEcho([call, answer("ran"), call, answer("denied")], { canAsk: true });
    const { pipe } = host;
    pipe.control("p1", { subtype: "set_permission_mode", mode: "bypassPermissions" });
    pipe.user("one");
    await pipe.stdout.until('"type":"result"');
    pipe.control("p2", { subtype: "set_permission_mode", mode: "dontAsk" });
    pipe.user("two");
    pipe.control("p3", { subtype: "set_permission_mode", mode: "plan" });
    expect(await pipe.end()).toBe(6);
    expect(pipe.messages("control_request")).toEqual([]);
    expect(pipe.messages("system").map(({ permissionMode }) => permissionMode)).toEqual([
      "bypassPermissions",
      "default",
    ]);
    expect(pipe.messages("result").map(({ permission_denials }) => (permission_denials as []).length)).toEqual([0, 1]);
    expect(pipe.response("p3")).toMatchObject({ subtype: "error", error: expect.stringContaining("dontAsk") });
  });

  test.each([
    ["default", 1],
    ["dontAsk", 0],
  ])("set_permission_mode %s counts from the next call of the running turn on", async (mode, asked) => {
    const second = held(sayAndCall("", "s__echo"));
    const steps = [sayAndCall("", "s__echo"), second.step, answer("denied")];
    await using host = await withEcho(steps, { canAsk: true, turn: { approval: "auto" } });
    const { pipe, llm } = host;
    pipe.user("one");
    await llm.received(2);
    pipe.control("p1", { subtype: "set_permission_mode", mode });
    await pipe.stdout.until('"request_id":"p1"');
    second.release();
    if (asked > 0) {
      await pipe.stdout.until("can_use_tool");
      pipe.respond(pipe.asked().request_id, { behavior: "deny" });
    }
    await pipe.end();
    expect(pipe.messages("control_request")).toHaveLength(asked);
    expect(pipe.messages("result")[0]?.permission_denials).toHaveLength(1);
  });

  test("mcp_status names the servers, their state and their tools", async () => {
    await using host = await withEcho([answer("ready")]);
    const { pipe } = host;
    pipe.user("hi");
    await pipe.stdout.until('"type":"result"');
    pipe.control("s1", { subtype: "mcp_status" });
    await pipe.end();
    const tools = expect.arrayContaining([{ name: "echo", description: expect.any(String) }]);
    expect(pipe.response("s1")?.response).toMatchObject({ mcpServers: [{ name: "s", status: "connected", tools }] });
  });
});

describe("a form that a server wants to be filled in", () => {
  const requestedSchema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
  const params = { message: "who?", requestedSchema };
  const asks = toolCalls([{ name: "s__ask", arguments: { method: "elicitation/create", params } }]);

  test("goes to a program that speaks the control protocol", async () => {
    await using host = await withEcho([asks, answer("done")], { turn: { approval: "auto" } });
    const { pipe } = host;
    pipe.control("i1", initialize);
    pipe.user("go");
    await pipe.stdout.until('"subtype":"elicitation"');
    const { request_id, request } = pipe.asked();
    expect(request).toMatchObject({
      mcp_server_name: "s",
      message: "who?",
      mode: "form",
      requested_schema: requestedSchema,
    });
    pipe.respond(request_id, { action: "accept", content: { name: "Ada" } });
    await pipe.end();
    expect(JSON.stringify(pipe.messages("user"))).toContain("Ada");
  });

  test("is declined where nobody has said that they speak it", async () => {
    await using host = await withEcho([asks, answer("done")], { turn: { approval: "auto" } });
    host.pipe.user("go");
    expect(await host.pipe.end()).toBe(0);
    expect(host.pipe.messages("control_request")).toEqual([]);
  });
});

test("a second Ctrl-C leaves also when nobody reads what is written", async () => {
  await using llm = await startLlmServer([answer("x".repeat(100_000))]);
  await using app = await startApp({ llm: llm.url });
  const stdout = new HeldSink();
  const pipe = openPipe(app, {}, stdout);
  pipe.user("hi");
  await until(() => stdout.writableNeedDrain);
  pipe.interrupt();
  pipe.interrupt();
  expect(await pipe.exitCode).toBe(130);
});

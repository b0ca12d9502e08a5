import { describe, expect, test } from "@jest/globals";
import { type OneshotOptions, runOneshot } from "../../../src/doors/oneshot/oneshot.js";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import {
  answer,
  CUT,
  chunk,
  failure,
  RESET,
  STALL,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { doorParts, interrupts, Sink, sayAndCall } from "../support.js";
import { claudeOptions, parse, shape } from "./client.js";

const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
const tokens = (input: number, output: number) => ({
  input_tokens: input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: output,
});
const modelTotal = (inputTokens: number, outputTokens: number) => ({
  m1: {
    inputTokens,
    outputTokens,
    cacheReadInputTokens: 0,
    cacheCreationInputTokens: 0,
    webSearchRequests: 0,
    costUSD: 0,
    costBasis: "unknown",
  },
});

function start(app: App, claude: object = {}, options: Partial<OneshotOptions> = {}) {
  const stdout = new Sink();
  const stderr = new Sink();
  const { onInterrupt, interrupt } = interrupts();
  const outputFormat = { ...claudeOptions(), ...claude };
  const given = { text: "hi", conversationId: "c", outputFormat, toolNotifications: true, ...options };
  const exitCode = runOneshot(doorParts(app), given, { stdout, stderr, onInterrupt });
  return { exitCode, stdout, stderr, interrupt };
}

async function run(app: App, claude: object = {}, options: Partial<OneshotOptions> = {}) {
  const { exitCode, stdout, stderr } = start(app, claude, options);
  return { exitCode: await exitCode, messages: parse(stdout.text), stderr: stderr.text };
}

describe("one prompt as Claude Code's stream-json", () => {
  test("is an init, the answer and one result, and nothing on stderr", async () => {
    await using llm = await startLlmServer([answer("Forty-two.", { reasoning: "6 × 7" })]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, messages, stderr } = await run(app);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(messages).toEqual([
      {
        type: "system",
        subtype: "init",
        cwd: "/here",
        tools: [],
        mcp_servers: [],
        model: "m1",
        permissionMode: "default",
        slash_commands: [],
        agents: [],
        skills: [],
        plugins: [],
        output_style: "default",
        apiKeySource: "none",
        claude_code_version: "1.2.3",
        session_id: "c",
        uuid: "uuid-1",
      },
      {
        type: "assistant",
        message: {
          id: "msg_2",
          type: "message",
          role: "assistant",
          model: "m1",
          content: [
            { type: "thinking", thinking: "6 × 7", signature: "" },
            { type: "text", text: "Forty-two." },
          ],
          stop_reason: "end_turn",
          stop_sequence: null,
          usage: tokens(10, 5),
        },
        parent_tool_use_id: null,
        session_id: "c",
        uuid: "uuid-2",
      },
      {
        type: "result",
        subtype: "success",
        is_error: false,
        duration_ms: 0,
        duration_api_ms: expect.any(Number),
        num_turns: 1,
        result: "Forty-two.",
        stop_reason: "end_turn",
        total_cost_usd: 0,
        usage: tokens(10, 5),
        modelUsage: modelTotal(10, 5),
        permission_denials: [],
        session_id: "c",
        uuid: "uuid-3",
      },
    ]);
  });

  test("has tools that run in parallel as tool_use blocks of one message, and a tool_result for each", async () => {
    const calls = toolCalls([
      { name: "s__echo", arguments: { n: 1 }, id: "a" },
      { name: "s__echo", arguments: { n: 2 }, id: "b" },
    ]);
    await using llm = await startLlmServer([calls, answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const { messages } = await run(app);
    expect(shape(messages)).toEqual([
      "system init",
      "assistant tool_use+tool_use",
      "user tool_result",
      "user tool_result",
      "assistant text",
      "result success",
    ]);
    expect(messages[0]).toMatchObject({
      tools: expect.arrayContaining(["s__echo"]),
      mcp_servers: [{ name: "s", status: "connected" }],
    });
    expect(messages[1]?.message).toMatchObject({
      stop_reason: "tool_use",
      content: [
        { type: "tool_use", id: "a", name: "s__echo", input: { n: 1 } },
        { type: "tool_use", id: "b", name: "s__echo", input: { n: 2 } },
      ],
    });
    const results = messages.slice(2, 4).flatMap(({ message }) => (message as { content: object[] }).content);
    const result = (id: string, n: number) => ({
      type: "tool_result",
      tool_use_id: id,
      content: [{ type: "text", text: JSON.stringify({ n }) }],
      is_error: false,
    });
    expect(results).toHaveLength(2);
    expect(results).toEqual(expect.arrayContaining([result("a", 1), result("b", 2)]));
    expect(messages.at(-1)).toMatchObject({ num_turns: 2, usage: tokens(20, 10), result: "done" });
  });

  test("has a tool's failure, and arguments that do not parse, as data", async () => {
    const calls = toolCalls([
      { name: "s__oddly", arguments: {}, id: "a" },
      { name: "s__echo", arguments: '{"n": oops', id: "b" },
    ]);
    await using llm = await startLlmServer([calls, answer("sorry")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const { exitCode, messages } = await run(app);
    expect(exitCode).toBe(0);
    expect(messages[1]?.message).toMatchObject({ content: [{ input: {} }, { input: { unparsed: '{"n": oops' } }] });
    const results = messages.filter(({ type }) => type === "user").map(({ message }) => message);
    const failed = { content: [{ type: "tool_result", is_error: true }] };
    expect(results).toMatchObject([failed, failed]);
    expect(messages.at(-1)).toMatchObject({ subtype: "success", permission_denials: [] });
  });

  test("names a call that nobody could be asked about as denied, and exits with 6", async () => {
    await using llm = await startLlmServer([sayAndCall("Let me. ", "s__echo", { n: 1 }), answer("I may not.")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const { exitCode, messages, stderr } = await run(app);
    expect(exitCode).toBe(6);
    expect(messages.at(-1)).toMatchObject({
      subtype: "success",
      is_error: false,
      result: "I may not.",
      permission_denials: [{ tool_name: "s__echo", tool_use_id: "call_1", tool_input: { n: 1 } }],
    });
    expect(stderr).toContain("--allow s__echo");
  });

  test("that the provider refuses is an error result that says what to do", async () => {
    await using llm = await startLlmServer([failure(401, { body: { error: { message: "bad key" } } })]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, messages } = await run(app);
    expect(exitCode).toBe(3);
    expect(shape(messages)).toEqual(["system init", "result error_during_execution"]);
    expect(messages.at(-1)).toMatchObject({
      is_error: true,
      num_turns: 0,
      stop_reason: null,
      errors: [expect.stringContaining("bad key")],
    });
  });

  test("that cannot start is a result alone", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, messages } = await run(app, {}, { model: "openai/m" });
    expect(exitCode).toBe(3);
    expect(shape(messages)).toEqual(["result error_during_execution"]);
  });

  test("that reaches the limit of tool hops says so in its subtype", async () => {
    await using llm = await startLlmServer([sayAndCall("", "s__echo"), answer("so far")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const { exitCode, messages } = await run(app, {}, { maxToolHops: 1 });
    expect(exitCode).toBe(7);
    expect(messages.at(-1)).toMatchObject({ subtype: "error_max_turns", is_error: true, result: "so far" });
  });

  test("that is stopped by its budget in dollars says so in its subtype, and knows what it cost", async () => {
    const usage = { prompt_tokens: 1000, completion_tokens: 100 };
    const echo = toolCalls([{ name: "s__echo", arguments: {} }], { usage });
    await using llm = await startLlmServer([echo, answer("so far", { usage })]);
    const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
    const prices = { "test/m1": { input: 1000, output: 1000 } };
    await using app = await startApp({
      llm: llm.url,
      mcpServers: { s: fixtureServer() },
      config: {
        llm: { active: "test", providers, prices },
        chat: { limits: { turn: { usd: 1.7 } }, service: { approval: "auto" }, storage: { driver: "memory" } },
      },
    });
    const { exitCode, messages } = await run(app);
    expect(exitCode).toBe(7);
    expect(messages.at(-1)).toMatchObject({
      subtype: "error_max_budget_usd",
      result: "so far",
      total_cost_usd: 2.2,
      modelUsage: { m1: { costUSD: 2.2, costBasis: "list" } },
    });
  });

  test("that broke off before anything was shown has no message, and its cost", async () => {
    const part = { index: 0, id: "c", type: "function", function: { name: "s__echo", arguments: "y".repeat(400) } };
    const cut = () => stream([chunk({ tool_calls: [part] }), CUT]);
    await using llm = await startLlmServer([cut(), cut(), cut(), cut()]);
    await using app = await startApp({
      llm: llm.url,
      config: {
        llm: {
          active: "test",
          http: { initial_retry_delay: 0.001, max_retry_delay: 0.01 },
          providers: { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } },
          prices: { "test/m1": { input: 1000, output: 1000 } },
        },
      },
    });
    const { messages } = await run(app, { includePartialMessages: true }, { streaming: true });
    expect(messages.map(({ type }) => type)).toEqual(["system", "result"]);
    const result = messages.at(-1);
    expect(result).toMatchObject({ subtype: "error_during_execution", num_turns: 0 });
    expect(Number(result?.total_cost_usd)).toBeGreaterThan(0.4);
  });

  test("that was interrupted has what was said, marked as cut, and an error result", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), STALL])]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, stdout, interrupt } = start(app, { includePartialMessages: true }, { streaming: true });
    await stdout.until("text_delta");
    interrupt();
    expect(await exitCode).toBe(130);
    const messages = parse(stdout.text).filter(({ type }) => type !== "stream_event");
    expect(messages).toMatchObject([
      { subtype: "init" },
      { type: "assistant", aborted: true, message: { stop_reason: null, content: [{ type: "text", text: "begun" }] } },
      { subtype: "error_during_execution", is_error: true, errors: ["cancelled"], stop_reason: null },
    ]);
  });
});

describe("partial messages", () => {
  const events = (messages: ReturnType<typeof parse>) =>
    messages.filter(({ type }) => type === "stream_event").map(({ event }) => event as { type: string });

  test.each([true, false])("have every block from its start to its stop, streamed: %s", async (streaming) => {
    await using llm = await startLlmServer([answer("one two", { reasoning: "hm" })]);
    await using app = await startApp({ llm: llm.url });
    const { messages } = await run(app, { includePartialMessages: true }, { streaming });
    const texts = streaming ? ["one", " two"] : ["one two"];
    expect(events(messages)).toEqual([
      {
        type: "message_start",
        message: {
          id: "msg_2",
          type: "message",
          role: "assistant",
          model: "m1",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: tokens(0, 0),
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
      { type: "content_block_stop", index: 0 },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
      ...texts.map((text) => ({ type: "content_block_delta", index: 1, delta: { type: "text_delta", text } })),
      { type: "content_block_stop", index: 1 },
      { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: tokens(10, 5) },
      { type: "message_stop" },
    ]);
    expect(messages.at(-2)).toMatchObject({ type: "assistant", message: { id: "msg_2" } });
  });

  test("have a tool's input as the model wrote it", async () => {
    await using llm = await startLlmServer([sayAndCall("I ", "s__echo", { n: 1 }), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const { messages } = await run(app, { includePartialMessages: true }, { streaming: true });
    expect(events(messages)).toEqual(
      expect.arrayContaining([
        {
          type: "content_block_start",
          index: 1,
          content_block: { type: "tool_use", id: "call_1", name: "s__echo", input: {} },
        },
        { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '{"n":1}' } },
      ]),
    );
  });

  test("of an answer that breaks off are voided by the next message_start", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "lost" }), RESET]), answer("whole")]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, messages } = await run(app, { includePartialMessages: true }, { streaming: true });
    expect(exitCode).toBe(0);
    expect(events(messages).map(({ type }) => type)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(messages.at(-1)).toMatchObject({ result: "whole", num_turns: 1 });
  });
});

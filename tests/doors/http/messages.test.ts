import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  json,
  type LlmServer,
  type Step,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { heldUp } from "../../support/processor-time.js";
import { sayAndCall } from "../support.js";
import { type Answer, ask, type Block } from "./anthropic.js";
import { openDoor } from "./door.js";

const steps: Step[] = [];
let llm: LlmServer;
let app: App;
let door: HttpDoor & AsyncDisposable;

beforeAll(async () => {
  llm = await startLlmServer(() => steps.shift() ?? failure(400, { body: { error: { message: "no step is left" } } }));
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
  app = await startApp({
    llm: llm.url,
    mcpServers: { s: fixtureServer() },
    config: { llm: { active: "test", http: { max_retries: 0 }, providers } },
  });
  door = await openDoor(app, { token: "the-token-of-this-host", models: () => ["test/m1"] });
});

afterEach(() => expect(steps.splice(0)).toEqual([]));
afterAll(async () => {
  door.close();
  await app[Symbol.asyncDispose]();
  await llm[Symbol.asyncDispose]();
});

const ways = [{ stream: false }, { stream: true }];
const hi = { role: "user", content: "hi" };
const weather = { name: "weather", description: "of a city", input_schema: { type: "object", properties: {} } };

/** Returns the messages of the last request to the model without the system prompt: roles, names of calls and texts. */
function told(): string[] {
  const [, ...messages] = llm.requests.at(-1)?.body.messages ?? [];
  return messages.map(({ role, tool_calls, content }) => {
    const calls = tool_calls?.map((call) => call.function.name) ?? [];
    return [role, ...calls, ...(content ? [typeof content === "string" ? content : JSON.stringify(content)] : [])].join(
      " ",
    );
  });
}

const call = { index: 0, id: "call_1", type: "function", function: { name: "s__echo", arguments: '{"n":1}' } };
const offered = () => llm.requests.at(-1)?.body.tools?.map(({ function: { name } }) => name) ?? [];

describe.each(ways)("a message, $stream", (way) => {
  test("contains the calls and results of the servers' tools, and the usage of the last request", async () => {
    const usage = { prompt_tokens: 100, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 60 } };
    steps.push(sayAndCall("Let me see.", "s__echo", { n: 1 }), answer("one two", { usage }));
    const { message, headers, events } = await ask(door, { ...way, messages: [hi] });
    const { id } = message.content[1] as Block;
    expect(message).toMatchObject({
      id: expect.stringMatching(/^msg_[\w-]+$/),
      model: "test/m1",
      stop_reason: "end_turn",
      usage: { input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 7, turn: { output_tokens: 12 } },
      content: [
        { type: "text", text: "Let me see." },
        {
          type: "mcp_tool_use",
          id: expect.stringMatching(/^[\w-]+$/),
          name: "echo",
          server_name: "s",
          input: { n: 1 },
        },
        { type: "mcp_tool_result", tool_use_id: id, is_error: false, content: [{ type: "text", text: '{"n":1}' }] },
        { type: "text", text: "one two" },
      ],
    });
    // Anthropic leaves `citations` out where a text has none, and the AI SDK 5 and 6 do not read null.
    expect(message.content[0]).not.toHaveProperty("citations");
    expect(headers.get("request-id")).toBe(headers.get("x-request-id"));
    if (way.stream) expect(events.slice(0, 2)).toEqual(["message_start", "ping"]);
  });

  test("comes to the AI SDK 5 without the servers' calls, and its text is what the model is told again", async () => {
    const headers = { "user-agent": "ai-sdk/anthropic/2.0.112 ai-sdk/provider-utils/3.0.40 runtime/node.js/20" };
    steps.push(sayAndCall("Let me see.", "s__echo", { n: 1 }), answer("one two"), answer("three"));
    const { message } = await ask(door, { ...way, messages: [hi] }, headers);
    expect(message.content.map(({ type, text }) => [type, text])).toEqual([
      ["text", "Let me see."],
      ["text", "one two"],
    ]);
    await ask(door, { ...way, messages: [hi, { role: "assistant", content: message.content }, hi] }, headers);
    expect(told()).toEqual(["user hi", "assistant Let me see.one two", "user hi"]);
  });

  test("has the caller's calls last, and takes their results; tools that ran do not run again", async () => {
    const both = toolCalls([
      { name: "weather", arguments: { city: "Oslo" } },
      { name: "s__echo", arguments: { n: 1 }, id: "call_b" },
    ]);
    steps.push(both, answer("cold"), answer("warm"));
    const body = { ...way, tools: [weather] };
    const { message } = await ask(door, { ...body, messages: [hi] });
    expect(message).toMatchObject({
      stop_reason: "tool_use",
      content: [
        { type: "mcp_tool_use" },
        { type: "mcp_tool_result" },
        { type: "tool_use", id: expect.stringMatching(/^[\w-]+$/), name: "weather", input: { city: "Oslo" } },
      ],
    });
    const call = message.content.at(-1) as Block;
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } };
    const result = {
      type: "tool_result",
      tool_use_id: call.id,
      is_error: true,
      content: [{ type: "text", text: "-4" }],
    };
    const second = [hi, { role: "assistant", content: message.content }, { role: "user", content: [image, result] }];
    expect((await ask(door, { ...body, messages: second })).message.content).toMatchObject([{ text: "cold" }]);
    const history = ["user hi", "assistant weather s__echo", 'tool {"n":1}', "tool -4"];
    expect(told()).toEqual([...history, expect.stringContaining("aGk=")]);
    // Clients that drop blocks of types that they do not know lose nothing either.
    const known = message.content.filter(({ type }) => type === "tool_use");
    await ask(door, {
      ...body,
      messages: [hi, { role: "assistant", content: known }, { role: "user", content: [result] }],
    });
    expect(told()).toEqual(history);
  });

  test("shows the thinking to a caller that asks for it, and sends it back to the model", async () => {
    steps.push(
      answer("fine", { reasoning: "hm" }),
      answer("ok"),
      answer("fine", { reasoning: "hm" }),
      answer("fine", { reasoning: "hm" }),
    );
    const { message } = await ask(door, { ...way, messages: [hi], thinking: { type: "adaptive" } });
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "hm", signature: expect.stringMatching(/^think_/) },
      { type: "text", text: "fine" },
    ]);
    const foreign = [
      { type: "thinking", thinking: "", signature: "Eo8+/=" },
      { type: "redacted_thinking", data: "x" },
    ];
    const messages = [hi, { role: "assistant", content: [...foreign, ...message.content] }, hi];
    expect((await ask(door, { ...way, messages })).message.content).toMatchObject([{ text: "ok" }]);
    expect(told()).toEqual(["user hi", "assistant fine", "user hi"]);
    const omitted = await ask(door, {
      ...way,
      messages: [hi],
      thinking: { type: "enabled", budget_tokens: 1024, display: "omitted" },
    });
    expect(omitted.message.content).toMatchObject([{ type: "thinking", thinking: "" }, { type: "text" }]);
    const disabled = await ask(door, { ...way, messages: [hi], thinking: { type: "disabled" } });
    expect(disabled.message.content).toMatchObject([{ type: "text" }]);
  });

  test("is recognised by the signature of its thinking if a client leaves out its calls", async () => {
    const first = stream([
      chunk({ reasoning_content: "hm" }),
      chunk({ tool_calls: [call] }),
      chunk({}, "tool_calls"),
      "data: [DONE]\n\n",
    ]);
    steps.push(
      way.stream ? first : toolCalls([{ name: "s__echo", arguments: { n: 1 } }]),
      answer("one", { reasoning: "so" }),
      answer("ok"),
    );
    const { message } = await ask(door, { ...way, messages: [hi], thinking: { type: "adaptive" } });
    const content = message.content.filter(({ type }) => !type.startsWith("mcp_"));
    await ask(door, { ...way, messages: [hi, { role: "assistant", content }, hi] });
    expect(told()).toEqual(["user hi", "assistant s__echo", 'tool {"n":1}', "assistant one", "user hi"]);
  });

  test.each([
    ["max_tokens", () => answer("one", { finishReason: "length" })],
    ["refusal", () => answer("no", { finishReason: "content_filter" })],
  ] as const)("stops for %s", async (reason, step) => {
    steps.push(step());
    expect((await ask(door, { ...way, messages: [hi] })).message.stop_reason).toBe(reason);
  });

  test("ends at a stop sequence, also one that comes in pieces", async () => {
    steps.push(answer("one two three four"), answer("one tw"));
    const stops = { stop_sequences: ["never", "o three"] };
    expect((await ask(door, { ...way, ...stops, messages: [hi] })).message).toMatchObject({
      content: [{ text: "one tw" }],
      stop_reason: "stop_sequence",
      stop_sequence: "o three",
    });
    const { message } = await ask(door, { ...way, stop_sequences: ["two"], messages: [hi] });
    expect(message).toMatchObject({ content: [{ text: "one tw" }], stop_reason: "end_turn", stop_sequence: null });
  });

  test("ends at a stop sequence, so that no call behind it runs and the model is not asked again", async () => {
    const both = { content: "thinking STOP more", tool_calls: [call] };
    const whole = { choices: [{ index: 0, message: { role: "assistant", ...both }, finish_reason: "tool_calls" }] };
    steps.push(way.stream ? stream([chunk(both), chunk({}, "tool_calls"), "data: [DONE]\n\n"]) : json(whole));
    const asked = llm.requests.length;
    const { message } = await ask(door, { ...way, stop_sequences: ["STOP"], messages: [hi] });
    expect(message).toMatchObject({
      content: [{ text: "thinking " }],
      stop_reason: "stop_sequence",
      stop_sequence: "STOP",
    });
    expect(llm.requests).toHaveLength(asked + 1);
  });

  test("cut at a stop sequence here counts the tokens that the provider sent", async () => {
    const content = `one STOP ${"two ".repeat(500)}`;
    const whole = { choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }] };
    const spentWith = async (more: object) => {
      steps.push(way.stream ? stream([chunk({ content }), chunk({}, "stop"), "data: [DONE]\n\n"]) : json(whole));
      const { headers } = await ask(door, { ...way, ...more, messages: [hi] });
      const events = await app.sessions.open(headers.get("x-conversation-id") ?? "").history();
      return events.flatMap((event) => (event.type === "assistant_message" ? (event.spent?.tokens ?? []) : []));
    };
    expect(await spentWith({ stop_sequences: ["STOP"] })).toEqual(await spentWith({}));
  });

  test("has an object for arguments that are not valid JSON", async () => {
    steps.push(toolCalls([{ name: "weather", arguments: '{"city": ' }]));
    const { message } = await ask(door, { ...way, messages: [hi], tools: [weather] });
    expect(message.content).toMatchObject([{ type: "tool_use", input: { unparsed: '{"city": ' } }]);
  });
});

describe("the body of a call", () => {
  test("reaches the model: system blocks, parts, results before text, limits and tools", async () => {
    steps.push(answer("fine"));
    const long = "a".repeat(100);
    await ask(door, {
      system: [
        { type: "text", text: "x-anthropic-billing-header: cc_version=1; cch=8f3;" },
        { type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } },
        { type: "text", text: "Be kind." },
      ],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "" },
            { type: "text", text: "one" },
          ],
        },
        { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: long, input: {} }] },
        {
          role: "user",
          content: [
            { type: "text", text: "two" },
            { type: "document", title: "notes", source: { type: "text", media_type: "text/plain", data: "three" } },
            { type: "image", source: { type: "url", url: "https://example.test/a.png" } },
            { type: "tool_result", tool_use_id: "toolu_1", content: "four" },
          ],
        },
        { role: "system", content: [{ type: "text", text: "five" }] },
      ],
      tools: [
        { name: long, input_schema: { type: "object" } },
        { type: "web_search_20250305", name: "web_search" },
      ],
      temperature: 0.3,
      max_tokens: 17,
      metadata: { user_id: "me" },
      context_management: { edits: [] },
      output_config: { effort: "high" },
    });
    const { body } = llm.requests.at(-1) ?? {};
    const shortened = offered().at(-1) ?? "";
    expect(shortened).toMatch(/^a{55}_[0-9a-f]{8}$/);
    expect(body).toMatchObject({
      temperature: 0.3,
      max_tokens: 17,
      messages: [
        { role: "system", content: "Be brief.\n\nBe kind." },
        {},
        { tool_calls: [{ id: "toolu_1", function: { name: shortened } }] },
        {},
        {},
        {},
      ],
    });
    expect(told()).toEqual([
      "user one",
      `assistant ${shortened}`,
      "tool four",
      expect.stringMatching(/two.*notes.*three.*"image_url":\{"url":"https:..example\.test.a\.png"\}/s),
      "system five",
    ]);
    expect(offered()).not.toContain("web_search");
  });

  test("has the options of other calls: a model without servers' tools, a choice of them, a forced tool, one call at a time", async () => {
    const tools = [weather];
    steps.push(answer("1"), answer("2"), answer("3"), toolCalls([{ name: "weather", arguments: {} }]));
    await ask(door, { messages: [hi], tools, model: "mcp-platform/plain" });
    expect(offered()).toEqual(["weather"]);
    await ask(door, { messages: [hi], tools }, { "x-mcp-tools": "s.echo" });
    expect(offered()).toEqual(["s__echo", "weather"]);
    await ask(door, { messages: [hi], tools, tool_choice: { type: "none" } });
    expect(offered()).toEqual([]);
    await ask(door, {
      messages: [hi],
      tools,
      tool_choice: { type: "tool", name: "weather", disable_parallel_tool_use: true },
    });
    const { tool_choice, parallel_tool_calls } = llm.requests.at(-1)?.body ?? {};
    expect([tool_choice, parallel_tool_calls]).toEqual([{ type: "function", function: { name: "weather" } }, false]);
  });

  test("offers a deferred tool once the model has found it", async () => {
    const held = { ...weather, defer_loading: true };
    const find = { name: "find", input_schema: { type: "object" } };
    const answered = { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "find", input: {} }] };
    const reference = { type: "tool_reference", tool_name: "weather" };
    const results = { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: [reference] }] };
    const added = (tool: object) => ({ role: "system", content: [{ type: "tool_addition", tool }] });
    const cases: [tools: object[], messages: object[], offers: string[]][] = [
      [[held, find], [hi], ["find"]],
      [
        [held, find],
        [hi, answered, results],
        ["find", "weather"],
      ],
      [
        [held, find],
        [hi, added({ type: "tool_reference", name: "weather" })],
        ["find", "weather"],
      ],
      [[find], [hi, added({ type: "tool_definition", definition: weather })], ["find", "weather"]],
      [[held, { type: "tool_search_tool_bm25_20251119", name: "tool_search_tool_bm25" }], [hi], ["weather"]],
    ];
    for (const [tools, messages, offers] of cases) {
      steps.push(answer("fine"));
      await ask(door, { model: "mcp-platform/plain", tools, messages });
      expect(offered()).toEqual(offers);
    }
  });

  test("continues a conversation of the host, where only new messages count", async () => {
    steps.push(toolCalls([{ name: "weather", arguments: {} }]), answer("cold"), answer("warm"));
    const headers = { "x-conversation-id": "talk" };
    const { message } = await ask(door, { messages: [hi], tools: [weather] }, headers);
    const { id } = message.content.at(-1) as Block;
    const result = { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: "-4" }] };
    await ask(door, { messages: [result] }, headers);
    await ask(
      door,
      { messages: [hi, { role: "assistant", content: "anything" }, { role: "user", content: "more" }] },
      headers,
    );
    expect(told()).toEqual(["user hi", "assistant weather", "tool -4", "assistant cold", "user more"]);
  });

  test("may end with instructions in a conversation of the host, as Claude Code's does", async () => {
    steps.push(answer("one"), answer("two"));
    const headers = { "x-conversation-id": "instructed" };
    await ask(door, { messages: [hi, { role: "system", content: "Be brief." }] }, headers);
    await ask(
      door,
      { messages: [hi, { role: "assistant", content: "one" }, { role: "system", content: "Be kind." }, hi] },
      headers,
    );
    expect(told()).toEqual(["system Be brief.", "user hi", "assistant one", "system Be kind.", "user hi"]);
  });

  test("may hold an answer of very many blocks", async () => {
    steps.push(answer("fine"));
    const blocks = Array.from({ length: 99_000 }, () => ({ type: "text", text: "x" }));
    const messages = [hi, { role: "assistant", content: "x" }, { role: "assistant", content: blocks }, hi];
    expect((await ask(door, { messages })).status).toBe(200);
    expect(told()[1]).toHaveLength("assistant ".length + 99_001);
  });

  test("may hold an answer in very many messages, which block the host for a moment at most", async () => {
    steps.push(answer("fine"));
    const parts = Array.from({ length: 50_000 }, () => ({ role: "assistant", content: "x" }));
    using held = heldUp();
    expect((await ask(door, { messages: [hi, ...parts, hi] })).status).toBe(200);
    expect(held.longestMs).toBeLessThan(2_500);
    expect(told()[1]).toHaveLength("assistant ".length + 50_000);
  });

  const pdf = { type: "document", source: { type: "base64", media_type: "application/pdf", data: "aGk=" } };
  test.each<[string, object, RegExp]>([
    [
      "a file that no model could read",
      { messages: [hi, { role: "user", content: [{ ...pdf, source: { ...pdf.source, media_type: "text/rtf" } }] }] },
      /messages\.1\.content\.0.*text\/rtf/,
    ],
    [
      "a picture at an address that no provider can visit",
      {
        messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url: "file:///a.png" } }] }],
      },
      /messages\.0\.content\.0\.source\.url: an http\(s\) address, or the picture itself as base64, is needed/,
    ],
    [
      "an unknown block",
      { messages: [{ role: "user", content: [{ type: "hologram" }] }] },
      /messages\.0\.content\.0.*hologram/,
    ],
    [
      "a block of another service's tools",
      { messages: [{ role: "assistant", content: [{ type: "server_tool_use", id: "1" }] }] },
      /server_tool_use/,
    ],
    [
      "a part without its text",
      { messages: [{ role: "user", content: [{ type: "text" }] }] },
      /messages\.0\.content\.0\.text/,
    ],
    ["servers of the caller", { messages: [hi], mcp_servers: [{ url: "https://example.test" }] }, /mcp_servers/],
    [
      "a format without its schema",
      { messages: [hi], output_config: { format: { type: "json_schema" } } },
      /output_config\.format/,
    ],
    ["no messages", {}, /messages/],
    [
      "a call of a tool that is not there",
      { messages: [hi], tool_choice: { type: "tool", name: "nothing" } },
      /nothing/,
    ],
  ])("is refused with the name of the field: %s", async (_, body, words) => {
    const { status, error } = await ask(door, body);
    expect([status, error.type]).toEqual([400, "invalid_request_error"]);
    expect(error.message).toMatch(words);
  });

  test("with a file in a tool's result gives the model the file's name", async () => {
    steps.push(answer("fine"), answer("fine"));
    const call = { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "read", input: {} }] };
    const result = { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: [pdf] }] };
    const beside = [{ type: "tool_result", tool_use_id: "toolu_1", content: "read" }, pdf];
    await ask(door, { messages: [hi, call, result] });
    expect(told().at(-1)).toContain("application/pdf");
    await ask(door, { messages: [hi, call, { role: "user", content: beside }] });
    expect(told().slice(-2)).toEqual(["tool read", expect.stringContaining("application/pdf")]);
  });

  test("with threads is refused with the code on which clients do without them", async () => {
    const { status, error } = await ask(door, { messages: [hi], thread: { type: "create" } });
    expect([status, error.details]).toEqual([
      400,
      { error_code: "thread_unsupported_request", unsupported: ["thread"] },
    ]);
  });
});

describe("failures", () => {
  const saying = (status: number, error: object, headers: Record<string, string> = {}) =>
    failure(status, { body: { error }, headers });
  const failures: [string, Step, number, string, RegExp][] = [
    ["a refused key", saying(401, { message: "Incorrect API key" }), 401, "authentication_error", /Incorrect API key/],
    [
      "a model that is gone",
      saying(404, { message: "no model", code: "model_not_found" }),
      404,
      "not_found_error",
      /no model/,
    ],
    [
      "a full context",
      saying(400, { message: "too long", code: "context_length_exceeded" }),
      400,
      "invalid_request_error",
      /^prompt is too long: /,
    ],
    [
      "a used-up account",
      saying(429, { message: "no money", code: "insufficient_quota" }),
      402,
      "billing_error",
      /no money/,
    ],
    ["an overloaded provider", saying(503, { message: "overloaded" }), 529, "overloaded_error", /overloaded/],
    ["a broken provider", saying(500, { message: "oops" }), 502, "api_error", /oops/],
  ];
  let models = 0;
  // A new model each time, because the host stops asking a model that keeps failing.
  const model = () => `test/f${++models}`;

  test.each(ways.flatMap((way) => failures.map((each) => [way.stream, ...each] as const)))(
    "before anything was shown give a status, streamed %s: %s",
    async (isStream, _, step, status, type, words) => {
      steps.push(step);
      const failed = await ask(door, { stream: isStream, model: model(), messages: [hi] });
      expect(failed).toMatchObject({ status, error: { type, message: expect.stringMatching(words) } });
      expect(failed.requestId).toBe(failed.headers.get("request-id"));
      expect(failed.headers.get("x-should-retry")).toBe(String(status > 500));
    },
  );

  const late: [string, () => Step][] = [
    ["overloaded", () => saying(503, { message: "overloaded" })],
    ["a cut answer", () => stream([chunk({ content: "half" }), cutStream])],
  ];
  test.each(late)("after a tool has run do not ask for a retry: %s", async (_, step) => {
    for (const way of ways) {
      steps.push(toolCalls([{ name: "s__echo", arguments: { n: 1 } }]), step());
      const failed: Answer = await ask(door, { ...way, model: model(), messages: [hi] });
      expect(failed.error).toMatchObject({
        type: "invalid_request_error",
        message: expect.stringMatching(/X-Request-Id/),
      });
      if (way.stream) expect(failed.events.at(-1)).toBe("error");
      else expect([failed.status, failed.headers.get("x-should-retry")]).toEqual([400, "false"]);
    }
  });
});

test("a stream that is silent for long gets pings, and its events stay whole", async () => {
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const hasty = await openDoor(app, { keepAliveMs: 20 });
  steps.push(async (response, request) => {
    await held;
    await answer("late")(response, request);
  });
  const response = await fetch(`${hasty.url}/v1/messages`, {
    method: "POST",
    body: JSON.stringify({ messages: [hi], stream: true }),
  });
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.split('event: ping\ndata: {"type":"ping"}\n\n').length > 3) go();
  }
  expect(text).toMatch(/^event: message_start\n.*\n\n(event: ping\n.*\n\n){3,}event: content_block_start/);
  expect(text).toMatch(/event: message_stop\n.*\n\n$/);
  hasty.close();
});

describe("the routes beside the messages", () => {
  const headers = { "anthropic-version": "2023-06-01", "x-api-key": "the-token-of-this-host" };
  interface Got {
    type: string;
    error: { type: string };
    request_id: string;
    data: object[];
  }
  const get = async (path: string, more: Record<string, string> = {}) => {
    const response = await fetch(door.url + path, { headers: { ...headers, ...more } });
    const body = (await response.json()) as Got;
    return { status: response.status, body, requestId: response.headers.get("request-id") };
  };

  test("take the token as x-api-key or as Bearer", async () => {
    const bearer = { "x-api-key": "", authorization: "Bearer the-token-of-this-host" };
    expect((await get("/v1/models")).status).toBe(200);
    expect((await get("/v1/models", bearer)).status).toBe(200);
    const { status, body, requestId } = await get("/v1/models", { "x-api-key": "the-token-of-this-hosT" });
    expect([status, body.error.type, body.request_id]).toEqual([401, "authentication_error", requestId]);
    const { status: without } = await get("/v1/models", { "x-api-key": "" });
    expect(without).toBe(401);
  });

  test("list the models as a page of Anthropic's API", async () => {
    const { body } = await get("/v1/models");
    expect(body).toMatchObject({ has_more: false, first_id: "mcp-platform", last_id: "test/m1" });
    expect(body.data[0]).toMatchObject({ type: "model", id: "mcp-platform", display_name: expect.any(String) });
  });

  test.each(["test/m1", "test%2Fm1"])("describe the model %s as in the list of models", async (id) => {
    const { body: page } = await get("/v1/models");
    const { body, requestId } = await get(`/v1/models/${id}`);
    expect(body).toEqual(page.data.at(-1));
    expect(requestId).toMatch(/^req/);
  });

  test("answer an unknown model with an error of Anthropic's API", async () => {
    const { status, body, requestId } = await get("/v1/models/test/m2");
    expect([status, body.error.type, body.request_id]).toEqual([404, "not_found_error", requestId]);
  });

  test("answer an unknown address with an error of Anthropic's API", async () => {
    const { status, body } = await get("/v1/messages/batches");
    expect([status, body.type, body.error.type]).toEqual([404, "error", "not_found_error"]);
  });

  test("count tokens with the tools, by the estimate that a stream begins with", async () => {
    const count = async (body: object, more: Record<string, string> = {}) => {
      const response = await fetch(`${door.url}/v1/messages/count_tokens?beta=true`, {
        method: "POST",
        headers: { ...headers, ...more },
        body: JSON.stringify({ model: "mcp-platform", ...body }),
      });
      return ((await response.json()) as { input_tokens: number }).input_tokens;
    };
    const all = await count({ messages: [hi] });
    const some = await count({ messages: [hi] }, { "x-mcp-tools": "s.echo" });
    const none = await count({ messages: [hi], model: "mcp-platform/plain" });
    const own = await count({ messages: [hi], model: "mcp-platform/plain", tools: [weather] });
    expect([all > some, some > none, own > none, none > 0]).toEqual([true, true, true, true]);
    const long = await count({
      messages: [{ role: "user", content: "x".repeat(4000) }],
      model: "mcp-platform/plain",
      system: "y".repeat(400),
    });
    expect(long).toBeGreaterThan(1_000);
    expect(long).toBeLessThan(1_300);
  });
});

// This test is last, because the host itself waits that long before it asks the provider again.
test("a rate limit says how long to wait", async () => {
  steps.push(failure(429, { body: { error: { message: "slow down" } }, headers: { "retry-after-ms": "20" } }));
  const { status, error, headers } = await ask(door, { messages: [hi] });
  expect([status, error.type, headers.get("retry-after")]).toEqual([429, "rate_limit_error", "1"]);
});

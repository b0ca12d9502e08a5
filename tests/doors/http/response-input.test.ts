import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type OpenAI from "openai";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import { LoggedTurns } from "../../../src/doors/http/turns/logged-turns.js";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, failure, type LlmServer, type Step, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { sayAndCall } from "../support.js";
import { openDoor, post, sdk } from "./door.js";
import { checkStream } from "./response-stream.js";

/** The next answers of the model. */
const script: Step[] = [];
let llm: LlmServer;
let app: App & AsyncDisposable;
let door: HttpDoor & AsyncDisposable;
let client: OpenAI;

beforeAll(async () => {
  llm = await startLlmServer(() => script.shift() ?? failure(500));
  app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  door = await openDoor(app);
  client = sdk(door);
});

afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  await llm[Symbol.asyncDispose]();
});

beforeEach(() => {
  script.length = 0;
});

type Body = Record<string, unknown>;
type Item = { id: string; type: string; call_id: string; [field: string]: unknown };
type Output = { id: string; output: Item[]; output_text?: string };

/** Sends the body unchanged, also with fields that the SDK's types do not have. */
const create = (body: Body) => client.responses.create(body as never) as unknown as Promise<Output>;
const weather = { type: "function", name: "weather", parameters: { type: "object" }, strict: false };
const user = (content: string) => ({ role: "user", content });
const outputOf = ({ call_id }: Item, output = "-4") => ({ type: "function_call_output", call_id, output });

/** Answers of the model: a call of a server's tool, then one call each of a server's and the caller's tool in one answer. */
const both = () => [
  sayAndCall("Let me see.", "s__echo", { n: 1 }),
  toolCalls([
    { name: "s__echo", arguments: { n: 2 }, id: "call_1" },
    { name: "weather", arguments: { at: "Oslo" }, id: "call_2" },
  ]),
  answer("cold"),
];

/** Returns the messages of the last request to the model: roles, calls and results. */
function told(): string[] {
  const messages = llm.requests.at(-1)?.body.messages ?? [];
  return messages.map(({ role, tool_calls, content }) => {
    const calls = tool_calls?.map((call) => `${call.function.name}${call.function.arguments}`) ?? [];
    return [role, ...(typeof content === "string" && role !== "system" ? [content] : []), ...calls].join(" ");
  });
}

/** Checks that each call has its result, and each result its call. */
function checkIds(): void {
  const messages = llm.requests.at(-1)?.body.messages ?? [];
  const calls = messages.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id }) => id));
  const results = messages.flatMap(({ tool_call_id }) => (tool_call_id === undefined ? [] : [tool_call_id]));
  expect(results.sort()).toEqual(calls.sort());
  expect(new Set(calls).size).toBe(calls.length);
  // OpenAI's chat completions accept no longer ids.
  for (const id of calls) expect(id.length).toBeLessThanOrEqual(40);
}

const wholeTurn = [
  "system",
  "user Oslo?",
  'assistant Let me see. s__echo{"n":1}',
  'tool {"n":1}',
  'assistant s__echo{"n":2} weather{"at":"Oslo"}',
  'tool {"n":2}',
  "tool -4",
];

describe("calls of both kinds: the model is told of the servers' calls again, whatever the caller keeps", () => {
  const ofType = (output: Item[], ...types: string[]) => output.filter(({ type }) => types.includes(type));
  const keeps: [string, (first: Output) => Body][] = [
    ["every item", ({ output }) => ({ input: [user("Oslo?"), ...output] })],
    [
      "only its own calls, without ids of items",
      ({ output }) => ({
        input: [user("Oslo?"), ...ofType(output, "function_call").map(({ id, status, ...item }) => item)],
      }),
    ],
    [
      "text and its own calls, as Codex does",
      ({ output }) => ({
        input: [user("Oslo?"), ...ofType(output, "message", "function_call").map(({ id, ...item }) => item)],
      }),
    ],
    [
      "references, as the AI SDK does",
      ({ output }) => ({
        input: [user("Oslo?"), ...output.map(({ id }) => ({ type: "item_reference", id }))],
      }),
    ],
    ["nothing: it names the response", ({ id }) => ({ input: [], previous_response_id: id })],
  ];

  test.each(keeps)("%s", async (_, kept) => {
    script.push(...both());
    const first = await create({ input: "Oslo?", tools: [weather] });
    expect(first.output.map(({ type }) => type)).toEqual(["message", "mcp_call", "function_call", "mcp_call"]);
    const call = first.output.find(({ type }) => type === "function_call") as Item;
    const { input, ...more } = kept(first) as { input: Body[] };
    const second = await create({ input: [...input, outputOf(call)], tools: [weather], ...more });
    expect(second.output_text).toBe("cold");
    expect(told()).toEqual(wholeTurn);
    checkIds();
  });

  test("a chat completion's call", async () => {
    script.push(...both());
    const { name, parameters } = weather;
    const tools = [{ type: "function" as const, function: { name, parameters } }];
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "Oslo?" }];
    const first = await client.chat.completions.create({ model: "mcp-platform", messages, tools });
    const message = first.choices[0]?.message;
    const [call] = message?.tool_calls ?? [];
    const result = { role: "tool" as const, tool_call_id: call?.id ?? "", content: "-4" };
    messages.push(message as OpenAI.ChatCompletionMessage, result);
    await client.chat.completions.create({ model: "mcp-platform", messages, tools });
    expect(told()).toEqual(wholeTurn);
    checkIds();
  });

  test("a chat completion in a conversation of the host takes the results that follow the last answer", async () => {
    script.push(...both());
    const { name, parameters } = weather;
    const tools = [{ type: "function" as const, function: { name, parameters } }];
    const headers = { "X-Conversation-Id": "both-kinds" };
    const ask = (messages: OpenAI.ChatCompletionMessageParam[]) =>
      client.chat.completions.create({ model: "mcp-platform", messages, tools }, { headers });
    const { choices } = await ask([{ role: "user", content: "Oslo?" }]);
    const message = choices[0]?.message as OpenAI.ChatCompletionMessage;
    const [call] = message.tool_calls ?? [];
    await ask([message, { role: "tool", tool_call_id: call?.id ?? "", content: "-4" }]);
    expect(told()).toEqual(wholeTurn);
    checkIds();
  });

  test("a turn that the log has lost is sent to the model as the caller has it", async () => {
    script.push(...both());
    const first = await create({ input: "Oslo?", tools: [weather] });
    const call = first.output.find(({ type }) => type === "function_call") as Item;
    const [lost] = (await app.sessions.list({ most: 100, includesHidden: true })).conversations;
    await app.sessions.delete(lost?.conversationId ?? "");
    await create({ input: [user("Oslo?"), ...first.output, outputOf(call)], tools: [weather] });
    // The border between two answers is known only if there is a text, so the calls stand in one answer here.
    expect(told()).toEqual([
      ...wholeTurn.slice(0, 2),
      'assistant Let me see. s__echo{"n":1} weather{"at":"Oslo"} s__echo{"n":2}',
      'tool {"n":1}',
      'tool {"n":2}',
      "tool -4",
    ]);
    checkIds();
    const references = first.output.map(({ id }) => ({ type: "item_reference", id }));
    await expect(create({ input: [user("Oslo?"), ...references] })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining(`Item with id '${references[0]?.id}' not found.`),
    });
  });
});

test("a call of an answer that was cut is incomplete, and so is the answer", async () => {
  const cut = () => toolCalls([{ name: "weather", arguments: '{"at":"Os' }], { finishReason: "length" });
  script.push(cut(), cut());
  expect(await create({ input: "Oslo?", tools: [weather] })).toMatchObject({
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
    output: [{ type: "function_call", arguments: '{"at":"Os', status: "incomplete" }],
  });
  const { name, parameters } = weather;
  const { choices } = await client.chat.completions.create({
    model: "mcp-platform",
    messages: [{ role: "user", content: "Oslo?" }],
    tools: [{ type: "function", function: { name, parameters } }],
  });
  expect(choices).toMatchObject([{ finish_reason: "length", message: { tool_calls: [{}] } }]);
});

describe("a response in a conversation of the host", () => {
  test("takes results of the caller's calls, several and with a message, and goes on", async () => {
    script.push(
      toolCalls([
        { name: "weather", arguments: { at: "Oslo" } },
        { name: "weather", arguments: { at: "Rome" }, id: "call_b" },
      ]),
      answer("cold and warm"),
      answer("bye"),
    );
    const first = await create({ input: "Where?", tools: [weather] });
    const [oslo, rome] = first.output as [Item, Item];
    const input = [outputOf(rome, "20"), outputOf(oslo), user("Short.")];
    const second = await create({ input, tools: [weather], previous_response_id: first.id });
    const turn = ["system", "user Where?", 'assistant weather{"at":"Oslo"} weather{"at":"Rome"}', "tool -4", "tool 20"];
    expect(told()).toEqual([...turn, "user Short."]);
    await create({ input: "Bye.", tools: [weather], previous_response_id: second.id });
    expect(told()).toEqual([...turn, "user Short.", "assistant cold and warm", "user Bye."]);
    checkIds();
  });

  test("is named by `conversation`", async () => {
    script.push(toolCalls([{ name: "weather", arguments: {} }]), answer("cold"));
    const first = await create({ input: "Oslo?", tools: [weather], conversation: "conv_weather" });
    expect(first).toMatchObject({ conversation: { id: "conv_weather" } });
    const [call] = first.output as [Item];
    await create({ input: [outputOf(call)], tools: [weather], conversation: { id: "conv_weather" } });
    expect(told()).toEqual(["system", "user Oslo?", "assistant weather{}", "tool -4"]);
    const both = { input: "x", conversation: "conv_weather", previous_response_id: first.id };
    await expect(create(both)).rejects.toMatchObject({ status: 400 });
  });

  test("has a call without a result sent to the model as such; a result without its call is refused", async () => {
    script.push(toolCalls([{ name: "weather", arguments: {} }]), answer("fine"));
    const first = await create({ input: "Oslo?", tools: [weather] });
    const [call] = first.output as [Item];
    await create({ input: "Never mind.", previous_response_id: first.id });
    expect(told()).toEqual([
      "system",
      "user Oslo?",
      "assistant weather{}",
      expect.stringContaining("the client that was to carry this call out gave no result"),
      "user Never mind.",
    ]);
    const unknown = { input: [{ ...outputOf(call), call_id: "call_x" }], previous_response_id: first.id };
    await expect(create(unknown)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("No tool call found for function call output with call_id call_x."),
    });
  });
});

describe("the input of a response", () => {
  const refused: [string, Body, string][] = [
    ["an item of another kind", { type: "web_search_call", id: "ws_1", status: "completed" }, "web_search_call"],
    [
      "one that has a role all the same",
      { type: "additional_tools", role: "developer", tools: [] },
      "additional_tools",
    ],
    [
      "an approval",
      { type: "mcp_approval_response", approval_request_id: "a", approve: true },
      "mcp_approval_response",
    ],
    ["one that nobody knows", { type: "hologram" }, "hologram"],
    ["a message of nobody", { type: "message", content: "hi" }, "input.1 has no role"],
  ];
  test.each(refused)("is refused with %s, by its name", async (_, item, named) => {
    const requests = llm.requests.length;
    await expect(create({ input: [user("hi"), item] })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(named),
    });
    expect(llm.requests).toHaveLength(requests);
  });

  test("is refused with a reference to an item of another service", async () => {
    const input = [user("hi"), { type: "item_reference", id: "msg_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b" }];
    await expect(create({ input })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining("not found"),
    });
  });

  test("is refused with a prompt that is stored at OpenAI", async () => {
    await expect(create({ input: "hi", prompt: { id: "pmpt_1" } })).rejects.toMatchObject({ status: 400 });
  });

  test("is refused with a limit of calls, and with a server of the caller", async () => {
    const requests = llm.requests.length;
    const refused = { status: 400, message: expect.stringContaining("max_tool_calls") };
    await expect(create({ input: "hi", max_tool_calls: 1 })).rejects.toMatchObject(refused);
    const server = { type: "mcp", server_label: "s", allowed_tools: ["log"], require_approval: "always" };
    for (const tools of [[server], [{ ...weather }, server], [{ type: "namespace", name: "n", tools: [server] }]]) {
      await expect(create({ input: "hi", tools })).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining("X-MCP-Tools"),
      });
    }
    expect(llm.requests).toHaveLength(requests);
  });

  test("has calls and results of other services in it, and reasoning that can be read", async () => {
    script.push(answer("ok"));
    await create({
      input: [
        user("hi"),
        { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" },
        { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: "Let me see." }] },
        { type: "mcp_call", id: "mcp_1", server_label: "other", name: "x.y", arguments: "{}", output: "found" },
        { type: "function_call", call_id: "c1", name: "weather", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: [{ type: "input_text", text: "-4" }] },
        user("and?"),
      ],
    });
    expect(told()).toEqual([
      "system",
      "user hi",
      "assistant Let me see. other__x_y{} weather{}",
      "tool found",
      "tool -4",
      "user and?",
    ]);
  });
});

describe("tools of other kinds", () => {
  const patch = {
    type: "custom",
    name: "apply_patch",
    description: "Patches files.",
    format: { type: "grammar", syntax: "lark", definition: "start: LINE+" },
  };
  const namespace = {
    type: "namespace",
    name: "mcp__files__",
    description: "Files",
    tools: [{ ...weather, name: "read" }],
  };

  test("a custom tool and one in a namespace are offered, and their calls go back as such", async () => {
    script.push(
      toolCalls([
        { name: "apply_patch", arguments: { input: "*** Begin" } },
        { name: "mcp__files__read", arguments: { path: "a" }, id: "call_b" },
      ]),
      answer("done"),
    );
    const tools = [patch, namespace, { type: "web_search" }, { type: "image_generation", output_format: "png" }];
    const response = await post(`${door.url}/v1/responses`, { input: "Patch.", tools, stream: true });
    expect(response.headers.get("x-mcp-ignored-tools")).toBe("web_search, image_generation");
    const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
    const output = checkStream(lines.map((line) => JSON.parse(line.slice(6)))) as Item[];
    expect(output).toMatchObject([
      { type: "custom_tool_call", id: expect.stringMatching(/^ctc_/), name: "apply_patch", input: "*** Begin" },
      { type: "function_call", namespace: "mcp__files__", name: "read", arguments: '{"path":"a"}' },
    ]);
    const offered = llm.requests.at(-1)?.body.tools as { function: { name: string; description: string } }[];
    expect(offered.map((each) => each.function.name)).toEqual(
      expect.arrayContaining(["apply_patch", "mcp__files__read"]),
    );
    expect(offered.find((each) => each.function.name === "apply_patch")?.function.description).toContain(
      "start: LINE+",
    );

    const [custom, call] = output.map(({ id, status, ...item }) => item) as [Item, Item];
    const results = [{ ...outputOf(custom, "patched"), type: "custom_tool_call_output" }, outputOf(call, "text")];
    await create({ input: [user("Patch."), custom, call, ...results], tools });
    expect(told()).toEqual([
      "system",
      "user Patch.",
      'assistant apply_patch{"input":"*** Begin"} mcp__files__read{"path":"a"}',
      "tool patched",
      "tool text",
    ]);
    checkIds();
  });

  test("a call of a custom tool that another service made is sent to the model as a call", async () => {
    script.push(answer("ok"));
    const call = { type: "custom_tool_call", call_id: "c1", name: "apply_patch", input: "*** Begin" };
    const result = { type: "custom_tool_call_output", call_id: "c1", output: "patched" };
    await create({ input: [user("Patch."), call, result], tools: [patch] });
    expect(told().slice(2)).toEqual(['assistant apply_patch{"input":"*** Begin"}', "tool patched"]);
  });

  test("a forced tool that cannot be forced is refused; so are two tools with one name", async () => {
    const search = { type: "web_search" };
    await expect(create({ input: "hi", tools: [search], tool_choice: search })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("web_search"),
    });
    await expect(create({ input: "hi", tools: [weather, weather] })).rejects.toMatchObject({ status: 400 });
  });
});

test("references that repeat a turn beyond the context window are refused, and the model is not asked", async () => {
  script.push(answer("z".repeat(1_000_000)));
  const { output } = await create({ input: "hi" });
  const asked = llm.requests.length;
  const input = Array.from({ length: 70 }, () => [{ type: "item_reference", id: output[0]?.id }, user("and?")]).flat();
  const refused = await post(`${door.url}/v1/responses`, { input });
  expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: "context_length_exceeded" } }]);
  expect(llm.requests).toHaveLength(asked);
});

describe("a call with very many entries", () => {
  const many = 100_001;
  const part = { type: "text", text: "x" };
  const said = { role: "user", content: "x" };

  test.each([
    ["messages of a chat completion", "chat/completions", { messages: Array(many).fill(said) }, "messages"],
    [
      "parts of a chat completion",
      "chat/completions",
      { messages: [{ ...said, content: Array(many).fill(part) }] },
      "messages",
    ],
    ["items", "responses", { input: Array(many).fill(said) }, "input"],
    ["tools", "responses", { input: "x", tools: Array(many).fill({ type: "function", name: "f" }) }, "tools"],
  ])("is refused with its position and the limit: %s", async (_, path, body, param) => {
    const response = await post(`${door.url}/v1/${path}`, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: "too_many_entries", param, message: expect.stringMatching(/10000\d entries.*at most 100000/) },
    });
  });

  test("is refused before it is parsed if it has very many values", async () => {
    const response = await post(`${door.url}/v1/chat/completions`, `{"messages":[${"{},".repeat(500_000)}{}]}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: "too_many_entries", message: "the body has more than 1,000,000 values" },
    });
  });

  test("is refused in Anthropic's API too, with Anthropic's error", async () => {
    const messages = [{ role: "user", content: Array(many).fill(part) }];
    const response = await post(`${door.url}/v1/messages`, { model: "mcp-platform", max_tokens: 5, messages });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
  });
});

test("a call that refers to very many conversations reads a few at a time, so that other calls pass", async () => {
  let [reading, most, others] = [0, 0, 0];
  let isDone = false;
  const history = async () => {
    most = Math.max(most, ++reading);
    const until = performance.now() + 1;
    while (performance.now() < until); // blocks, as a read of a file does
    await Promise.resolve();
    reading--;
    return [];
  };
  const other = () => {
    others++;
    if (!isDone) setImmediate(other);
  };
  setImmediate(other);
  const id = (index: number) => `call_${Buffer.from(JSON.stringify([`c${index}`, "t"])).toString("base64url")}_0`;
  const messages = Array.from({ length: 500 }, (__, index) => {
    const toolCalls = [{ id: id(index), name: "f", arguments: "{}" }];
    return { role: "assistant" as const, content: "", toolCalls };
  });
  expect(await new LoggedTurns({ history }).history(messages)).toEqual(messages);
  isDone = true;
  expect(most).toBeLessThanOrEqual(20);
  expect(others).toBeGreaterThan(5);
});

/** `tool_choice` and `parallel_tool_calls` of OpenAI's APIs: the host follows them, or refuses them and says what to do. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, failure, type LlmServer, type Step, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { processorMs } from "../../support/processor-time.js";
import { openDoor, post } from "./door.js";

/** The next answers of the model. */
const script: Step[] = [];
let llm: LlmServer;
let app: App & AsyncDisposable;
let door: HttpDoor & AsyncDisposable;

beforeAll(async () => {
  llm = await startLlmServer(() => script.shift() ?? failure(500));
  const config = { chat: { service: { approval: "auto", tool_budget_tokens: 1 }, storage: { driver: "memory" } } };
  app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
  door = await openDoor(app);
});

afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  await llm[Symbol.asyncDispose]();
});

beforeEach(() => {
  script.length = 0;
  llm.requests.length = 0;
});

const doors = ["/v1/chat/completions", "/v1/responses"] as const;
type Path = (typeof doors)[number];

interface Answered {
  status: number;
  body: {
    error?: { message: string; param: string | null };
    choices?: { message: { content: string; tool_calls?: unknown[] } }[];
    output?: { type: string; name?: string }[];
    tool_choice?: unknown;
    parallel_tool_calls?: unknown;
  };
}

/** Sends a request with the caller's tool `weather`, unless `fields` names other tools. */
async function call(path: Path, fields: object, headers?: Record<string, string>): Promise<Answered> {
  const isChat = path === "/v1/chat/completions";
  const weather = { name: "weather", parameters: { type: "object", properties: {} } };
  const tools = [isChat ? { type: "function", function: weather } : { type: "function", ...weather }];
  const asked = isChat ? { messages: [{ role: "user", content: "hi" }] } : { input: "hi" };
  const response = await post(`${door.url}${path}`, { ...asked, tools, ...fields }, headers);
  return { status: response.status, body: (await response.json()) as Answered["body"] };
}

const named = (path: Path, name: string) =>
  path === "/v1/chat/completions" ? { type: "function", function: { name } } : { type: "function", name };
const echo = (id: string) => ({ name: "s__echo", arguments: { id }, id });
const ownCall = (id: string) => ({ name: "weather", arguments: { id }, id });
/** Returns the `tool_choice` of each request to the model. */
const asked = () => llm.requests.map(({ body }) => body.tool_choice);

describe.each(doors)("%s", (path) => {
  test("required goes with the first request of a turn; after a tool has run the model decides", async () => {
    script.push(toolCalls([echo("a")]), answer("done"));
    const { status, body } = await call(path, { tool_choice: "required" });
    expect(status).toBe(200);
    expect(asked()).toEqual(["required", undefined]);
    if (path === "/v1/responses") expect(body.tool_choice).toBe("required");
  });

  test("a forced tool of the caller is called, and the call goes to the caller", async () => {
    script.push(toolCalls([ownCall("a")], { finishReason: "stop" }));
    const { body } = await call(path, { tool_choice: named(path, "weather") });
    expect(asked()).toEqual([{ type: "function", function: { name: "weather" } }]);
    if (path === "/v1/responses") {
      expect(body).toMatchObject({ tool_choice: named(path, "weather"), output: [{ type: "function_call" }] });
    } else expect(body.choices?.[0]?.message.tool_calls).toHaveLength(1);
  });

  test("a server's tool can be named too, also one that the model would have to search for", async () => {
    script.push(toolCalls([echo("a")]), answer("done"));
    expect(await call(path, { tool_choice: named(path, "s__echo") })).toMatchObject({ status: 200 });
    expect(asked()).toEqual([{ type: "function", function: { name: "s__echo" } }, undefined]);
    expect(llm.requests[0]?.body.tools?.map((tool) => tool.function.name)).toContain("s__echo");
  });

  test.each<[string, { tool_choice?: unknown; [field: string]: unknown }, Record<string, string>, string]>([
    ["a tool that nobody offers", { tool_choice: "s__nothing" }, {}, "that tool is not offered"],
    [
      "a tool that X-MCP-Tools leaves out",
      { tool_choice: "s__echo" },
      { "x-mcp-tools": "s.add" },
      "that tool is not offered",
    ],
    ["no tools", { tool_choice: "required", tools: [] }, { "x-mcp-tools": "none.*" }, "no tool is offered"],
    [
      "no tools of the servers",
      { tool_choice: "required", tools: [], model: "mcp-platform/plain" },
      {},
      "no tool is offered",
    ],
    ["a set of tools", { tool_choice: { type: "allowed_tools", mode: "auto", tools: [] } }, {}, "X-MCP-Tools"],
    ["a server", { tool_choice: { type: "mcp", server_label: "s" } }, {}, "SERVER__TOOL"],
    ["a tool of OpenAI's", { tool_choice: { type: "file_search" } }, {}, '"file_search"'],
    ["a word that nobody knows", { tool_choice: "any" }, {}, "tool_choice"],
    ["a function without a name", { tool_choice: { type: "function" } }, {}, "name"],
    ["a function without any letters", { tool_choice: { type: "function", name: "" } }, {}, 'the name ""'],
    ["a name of many", { tool_choice: { type: "function", name: "x".repeat(1e5) } }, {}, `"${"x".repeat(64)}…"`],
    ["a type of many", { tool_choice: { type: "x".repeat(1e5) } }, {}, `"${"x".repeat(64)}…"`],
    ["something else than a flag", { parallel_tool_calls: "no" }, {}, "parallel_tool_calls"],
  ])(
    "%s is refused without a request to the model",
    async (_case, { tool_choice: choice, ...fields }, headers, said) => {
      const isName = typeof choice === "string" && choice.startsWith("s__");
      const { status, body } = await call(
        path,
        { ...fields, tool_choice: isName ? named(path, choice) : choice },
        headers,
      );
      expect({ status, message: body.error?.message }).toEqual({ status: 400, message: expect.stringContaining(said) });
      expect(llm.requests).toHaveLength(0);
    },
  );

  test.each<[string, Step, object?]>([
    ["required", answer("I would rather talk.")],
    ["weather", toolCalls([echo("a")])],
    ["weather", toolCalls([echo("a"), ownCall("b")]), { parallel_tool_calls: false }],
  ])("a model that ignores %s fails the call, and no tool runs", async (choice, step, fields = {}) => {
    script.push(step);
    const toolChoice = choice === "required" ? choice : named(path, choice);
    const headers = { "x-conversation-id": "unkept" };
    const { status, body } = await call(path, { ...fields, tool_choice: toolChoice }, headers);
    expect({ status, message: body.error?.message }).toEqual({
      status: 400,
      message: expect.stringMatching(/the model had to call (a tool|weather), but did not .*tool_choice auto/),
    });
    script.push(answer("done"));
    expect(await call(path, {}, headers)).toMatchObject({ status: 200 });
    expect(llm.requests[1]?.body.messages?.filter(({ role }) => role === "tool")).toEqual([]);
  });

  test("an answer that was cut before its call ends as cut", async () => {
    script.push(answer("Let me", { finishReason: "length" }));
    expect(await call(path, { tool_choice: "required" })).toMatchObject({ status: 200 });
  });

  test("the provider is asked for one tool call at a time, and of several calls the first one counts", async () => {
    script.push(
      toolCalls([echo("a"), echo("b")], { finishReason: "length" }),
      toolCalls([ownCall("c"), ownCall("d"), echo("e")]),
    );
    const { body } = await call(path, { parallel_tool_calls: false, tool_choice: "auto" });
    expect(llm.requests.map((request) => request.body.parallel_tool_calls)).toEqual([false, false]);
    const told = llm.requests[1]?.body.messages?.slice(-2);
    expect(told).toMatchObject([{ tool_calls: [{ id: "a" }] }, { role: "tool", content: '{"id":"a"}' }]);
    expect(told?.[0]?.tool_calls).toHaveLength(1);
    if (path === "/v1/responses") {
      expect(body).toMatchObject({ parallel_tool_calls: false, tool_choice: "auto" });
      expect(body.output?.map(({ name }) => name)).toEqual(["echo", "weather"]);
    } else expect(body.choices?.[0]?.message.tool_calls).toHaveLength(1);
  });

  test.each([{}, { parallel_tool_calls: true, tool_choice: "auto" }, { parallel_tool_calls: null, tool_choice: null }])(
    "a choice that is every model's default is not sent: %j",
    async (fields) => {
      script.push(toolCalls([echo("a"), echo("b")]), answer("done"));
      const { body } = await call(path, fields);
      const [first, second] = llm.requests.map((request) => request.body);
      expect([first?.tool_choice, first?.parallel_tool_calls]).toEqual([undefined, undefined]);
      expect(second?.messages?.filter(({ role }) => role === "tool")).toHaveLength(2);
      if (path === "/v1/responses") expect(body).toMatchObject({ tool_choice: "auto", parallel_tool_calls: true });
    },
  );

  test("a provider that refuses parallel_tool_calls is asked again without it, and the host runs one call only", async () => {
    const refusal = {
      error: { message: "Unsupported parameter: 'parallel_tool_calls'", type: "invalid_request_error" },
    };
    script.push(failure(400, { body: refusal }), toolCalls([echo("a"), echo("b")]), answer("done"));
    // A new model name, about which the host has learnt nothing yet.
    const fields = { parallel_tool_calls: false, model: `test/${path.slice(4, 8)}` };
    expect(await call(path, fields)).toMatchObject({ status: 200 });
    expect(llm.requests.map((request) => request.body.parallel_tool_calls)).toEqual([false, undefined, undefined]);
    expect(llm.requests[2]?.body.messages?.filter(({ role }) => role === "tool")).toHaveLength(1);
  });

  test("a provider's refusal of the choice is quoted, and the provider is not asked again", async () => {
    const refusal = {
      error: { message: "this model does not support this tool_choice", type: "invalid_request_error" },
    };
    script.push(failure(400, { body: refusal }));
    const { status, body } = await call(path, { tool_choice: "required" });
    expect([status, body.error?.message]).toEqual([400, expect.stringContaining("does not support this tool_choice")]);
    expect(llm.requests).toHaveLength(1);
  });
});

test("a very long namespace of a tool is read in little time", async () => {
  const begun = processorMs();
  const choice = { type: "function", namespace: `${"_".repeat(200_000)}x`, name: "read" };
  expect((await call("/v1/responses", { tool_choice: choice })).status).toBe(400);
  expect(processorMs() - begun).toBeLessThan(3_000);
});

test("a tool of a namespace is chosen by its name with the namespace", async () => {
  script.push(toolCalls([{ name: "files__read", arguments: {} }]));
  const read = { type: "function", name: "read", parameters: { type: "object" } };
  const choice = { type: "function", namespace: "files", name: "read" };
  const tools = [{ type: "namespace", name: "files", tools: [read] }];
  const { body } = await call("/v1/responses", { tools, tool_choice: choice });
  expect(asked()).toEqual([{ type: "function", function: { name: "files__read" } }]);
  expect(body).toMatchObject({ tool_choice: choice, output: [{ name: "read", namespace: "files" }] });
});

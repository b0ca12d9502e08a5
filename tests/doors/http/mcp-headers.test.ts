import { describe, expect, test } from "@jest/globals";
import type OpenAI from "openai";
import { toolsIn } from "../../../src/doors/http/turns/call-headers.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { costMs } from "../../support/processor-time.js";
import { sayAndCall } from "../support.js";
import { openDoor, post, sdk } from "./door.js";

const hi = { model: "mcp-platform", messages: [{ role: "user" as const, content: "hi" }] };
const named = (text: string) =>
  [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data]) => [event, JSON.parse(data ?? "")]);

describe("X-MCP-Events", () => {
  const run = async (work: (door: Awaited<ReturnType<typeof openDoor>>) => Promise<void>) => {
    await using llm = await startLlmServer([
      sayAndCall("Let me see.", "s__drip", { times: 1, everyMs: 1 }),
      answer("ok"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await work(door);
  };

  test("adds to a stream what the tools do, as chunks of the message protocol in events with a name", () =>
    run(async (door) => {
      const answered = await post(`${door.url}/v1/chat/completions`, { ...hi, stream: true }, { "x-mcp-events": "1" });
      const text = await answered.text();
      expect(named(text)).toEqual([
        [
          "mcp.tool_call",
          { type: "tool_call", data: { id: "call_1", name: "s__drip", arguments: expect.any(String) } },
        ],
        ["mcp.tool_progress", { type: "tool_progress", data: { id: "call_1", progress: 1, total: 1 } }],
        ["mcp.tool_result", { type: "tool_result", data: expect.objectContaining({ id: "call_1", is_error: false }) }],
      ]);
      expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    }));

  test.each([undefined, "0"])("leaves a stream as it is when it is %j", (value) =>
    run(async (door) => {
      const defaultHeaders = value === undefined ? {} : { "x-mcp-events": value };
      const chunks: OpenAI.ChatCompletionChunk[] = [];
      const stream = await sdk(door, { defaultHeaders }).chat.completions.create({ ...hi, stream: true });
      for await (const chunk of stream) chunks.push(chunk);
      expect(chunks.every(({ choices, object }) => choices.length === 1 && object === "chat.completion.chunk")).toBe(
        true,
      );
    }),
  );

  test("changes nothing in an answer that is sent whole", () =>
    run(async (door) => {
      const client = sdk(door, { defaultHeaders: { "x-mcp-events": "1" } });
      expect((await client.chat.completions.create(hi)).choices[0]?.message.content).toBe("Let me see.\n\nok");
    }));
});

describe("X-MCP-Tools", () => {
  test.each<[string | undefined, string[] | undefined]>([
    [undefined, undefined],
    ["", []],
    [" , a.*,,b ", ["a.*", "b"]],
    ["a(x=1, y=2),b(z=3)", ["a(x=1, y=2)", "b(z=3)"]],
    ["a(x=(1,2)),b", ["a(x=(1,2))", "b"]],
    ["a(x=1,b", ["a(x=1", "b"]],
    ["a,b)c,d", ["a,b)c", "d"]],
  ])("%j is read as %j", (header, patterns) => {
    expect(toolsIn(() => header)).toEqual(patterns);
  });

  test("is read in linear time", () => {
    expect(costMs(() => toolsIn(() => ",".repeat(300_000)))).toBeLessThan(1_000);
  });

  test.each([
    ["s.echo", ["s__echo"]],
    ["s__echo, t.*", ["s__echo", "t__echo", "t__log"]],
    ["s.echo(a=1, b=2),t.log", ["s__echo", "t__log"]],
    ["nobody.*", []],
    ["", []],
  ])("%j leaves the model with these tools, and with what their servers say: %j", async (header, names) => {
    await using llm = await startLlmServer(() => answer("ok"));
    const tools = (...all: string[]) => ({
      pages: [all.map((name) => ({ name, inputSchema: { type: "object" } }))],
      instructions: "Mind the gap.",
    });
    const mcpServers = { s: fixtureServer(tools("echo", "log")), t: fixtureServer(tools("echo", "log")) };
    await using app = await startApp({ llm: llm.url, mcpServers });
    await using door = await openDoor(app);
    for (const [path, body] of [
      ["chat/completions", hi],
      ["responses", { input: "hi" }],
    ] as const) {
      expect((await post(`${door.url}/v1/${path}`, body, { "x-mcp-tools": header })).status).toBe(200);
      const offered = (llm.requests.at(-1)?.body.tools ?? []) as { function: { name: string } }[];
      expect(offered.map((tool) => tool.function.name).sort()).toEqual(names);
      const told = [...(llm.requests.at(-1)?.text ?? "").matchAll(/- (\w+): Mind the gap\./g)];
      expect(told.map(([, server]) => server)).toEqual([...new Set(names.map((name) => name[0]))]);
    }
  });

  test("refuses calls of tools that the model was not offered, and calls with other arguments", async () => {
    const calls = [
      { name: "s__log", arguments: {} },
      { name: "s__echo", arguments: { a: 2 } },
      { name: "s__echo", arguments: { a: 1 } },
    ];
    await using llm = await startLlmServer([toolCalls(calls), answer("ok")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    await post(`${door.url}/v1/chat/completions`, hi, { "x-mcp-tools": "s.echo(a=1)" });
    const results = llm.requests[1]?.body.messages?.filter(({ role }) => role === "tool").map(({ content }) => content);
    expect(results).toEqual([
      expect.stringContaining("narrowed"),
      expect.stringContaining("narrowed"),
      expect.stringContaining('{"a":1}'),
    ]);
  });

  test("is refused with 400 if it is not a valid pattern", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const refused = await post(`${door.url}/v1/chat/completions`, hi, { "x-mcp-tools": "s.echo@nonsense" });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("@nonsense")]);
  });
});

test("the OpenAPI description names the headers", async () => {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  const { paths } = (await (await fetch(`${door.url}/openapi.json`)).json()) as {
    paths: Record<string, { post?: { parameters?: { name: string; in: string }[] } }>;
  };
  const names = paths["/v1/chat/completions"]?.post?.parameters?.map((each) => `${each.in} ${each.name}`);
  expect(names).toEqual(expect.arrayContaining(["header X-MCP-Tools", "header X-MCP-Events", "header X-Request-Id"]));
  expect(Object.keys(paths["/mcp"] ?? {})).toEqual(["post", "get", "delete"]);
});

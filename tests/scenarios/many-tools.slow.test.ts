import { expect, test } from "@jest/globals";
import type OpenAI from "openai";
import { openDoor, sdk } from "../doors/http/door.js";
import { collect, fixtureServer, isStored, startApp } from "../support/app.js";
import { answer, type LlmRequest, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
import { temporaryFolder } from "../support/mcp-hub.js";
import { newStorage } from "../support/storages.js";

const tool = (name: string) => ({
  name,
  description: `does ${name}`,
  inputSchema: { type: "object", properties: { a: { type: "string", description: "what to do it with" } } },
});
const names = Array.from({ length: 100 }, (_, index) => `tool_${index}`);
const servers = ["a", "b", "c", "d", "e"];
const pages = [names.map(tool)];
const mcpServers = Object.fromEntries(servers.map((name) => [name, fixtureServer({ pages })]));

const find = (query: string): Step => toolCalls([{ name: "host__find_tools", arguments: { query, limit: 2 } }]);
const call = (name: string): Step => toolCalls([{ name, arguments: {} }]);
const toolNames = ({ body }: LlmRequest) => (body.tools ?? []).map((each) => each.function.name);
/** Estimates tokens as the host does: a quarter of a token for each byte. */
const toolTokens = ({ body }: LlmRequest) => Buffer.byteLength(JSON.stringify(body.tools)) / 4;

/** Returns the bytes before the tool list, and the tool list without its closing bracket. */
function prefixes({ text, body }: LlmRequest) {
  const tools = JSON.stringify(body.tools).slice(0, -1);
  expect(text).toContain(tools);
  return { tools, messages: JSON.stringify(body.messages).slice(0, -1) };
}

test("with 500 tools a request carries at most the budget, the model reaches the others, and requests begin with the same bytes: over hops, turns and a restart", async () => {
  using folder = temporaryFolder();
  const storage = await newStorage(folder.path);
  const config = { chat: { service: { approval: "auto", tool_budget_tokens: 2_000 } } };
  await using llm = await startLlmServer([
    find("d__tool_77"),
    call("d__tool_77"),
    answer("first"),
    call("e__tool_99"),
    answer("second"),
    find("b__tool_50"),
    call("b__tool_50"),
    answer("third"),
  ]);
  for (const turns of [["r1", "r2"], ["r3"]]) {
    await using app = await startApp({ llm: llm.url, mcpServers, config, storage });
    await app.ready();
    for (const requestId of turns) {
      const events = await collect(app.sessions.open("c").prompt({ requestId, text: `go ${requestId}` }));
      expect(events.at(-1)).toMatchObject({ stopReason: "end_turn" });
      const results = events.filter(isStored).filter((event) => event.type === "tool_result");
      expect(results.every(({ isError }) => !isError)).toBe(true);
    }
  }
  const [first, ...others] = llm.requests;
  expect(first && toolTokens(first)).toBeLessThan(2_000 + 200); // and the search tool itself
  expect(new Set(first && toolNames(first).map((name) => name.split("__")[0]))).toEqual(new Set(["host", ...servers]));
  expect(first && toolNames(first)).not.toContain("d__tool_77");
  let before = first && prefixes(first);
  for (const request of others) {
    const now = prefixes(request);
    expect(now.tools.startsWith(before?.tools ?? "")).toBe(true);
    expect(now.messages.startsWith(before?.messages ?? "")).toBe(true);
    before = now;
  }
  const added = toolNames(others.at(-1) as LlmRequest).slice(toolNames(first as LlmRequest).length);
  expect(added.slice(0, 3).includes("d__tool_77")).toBe(true);
  expect(added).toContain("e__tool_99"); // called without a search
  expect(added).toContain("b__tool_50");
});

test("a found tool is still offered after the client's own tool has run, also if the client sends the history", async () => {
  const config = { chat: { service: { approval: "auto", tool_budget_tokens: 2_000 } } };
  const both = toolCalls([
    { name: "d__tool_77", arguments: {} },
    { name: "mine", arguments: {} },
  ]);
  await using llm = await startLlmServer([find("d__tool_77"), both, answer("done")]);
  await using app = await startApp({ llm: llm.url, mcpServers, config });
  await using door = await openDoor(app);
  const client = sdk(door);
  const tools = [{ type: "function" as const, function: { name: "mine", parameters: { type: "object" } } }];
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "go" }];
  const { choices } = await client.chat.completions.create({ model: "mcp-platform", messages, tools });
  const message = choices[0]?.message as OpenAI.ChatCompletionMessage;
  messages.push(message, { role: "tool", tool_call_id: message.tool_calls?.[0]?.id ?? "", content: "own" });
  await client.chat.completions.create({ model: "mcp-platform", messages, tools });
  const [, second, third] = llm.requests.map(toolNames);
  expect(second).toContain("d__tool_77");
  expect(new Set(third)).toEqual(new Set(second));
});

test("each of 500 tools is within reach of one search", async () => {
  const config = {
    chat: {
      service: { approval: "auto", tool_budget_tokens: 1_000, max_tool_hops: 1000 },
    },
  };
  const all = servers.flatMap((server) => names.map((name) => `${server}__${name}`));
  const steps = all.filter((_, index) => index % 25 === 24).flatMap((name) => [find(name), call(name)]);
  await using llm = await startLlmServer([...steps, answer("done")]);
  await using app = await startApp({ llm: llm.url, mcpServers, config });
  await app.ready();
  await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
  for (const [index, request] of llm.requests.entries()) {
    expect(toolTokens(request)).toBeLessThan(2 * 1_000 + 400);
    const called =
      index > 0 && index % 2 === 1 ? all.filter((_, place) => place % 25 === 24)[(index - 1) / 2] : undefined;
    if (called) expect(toolNames(request)).toContain(called);
  }
});

test("a denied tool is neither sent nor found", async () => {
  const config = { chat: { service: { approval: "auto", tool_budget_tokens: 1_000 } } };
  await using llm = await startLlmServer([find("c__tool_80"), answer("none")]);
  await using app = await startApp({ llm: llm.url, mcpServers, config });
  await app.ready();
  const events = await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go", deny: ["c.*"] }));
  expect(events.find((event) => event.type === "tool_result")).not.toMatchObject({
    found: expect.arrayContaining(["c__tool_80"]),
  });
  expect(llm.requests.flatMap(toolNames).filter((name) => name.startsWith("c__"))).toEqual([]);
});

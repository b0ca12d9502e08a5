/**
 * Edges 20 to 29 of the SDK 1.32.2, its lists, results and calls, each with a real server process. For the other edges see edges-stdio,
 * edges-http and edges-auth.
 */
import { appendFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import type { ToolProgress } from "../../src/core/ports.js";
import { fixture, recording, startHub, startHubWith, until } from "../support/mcp-hub.js";

const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: "object" }, ...more });

async function ready(...configs: ReturnType<typeof fixture>[]) {
  const running = startHub(...configs);
  await running.hub.ready();
  return running;
}

test("edge 20: a broken tool is left out alone, and the server says so", async () => {
  const pages = [[tool("good"), { name: "bad", inputSchema: 1 }, tool("fine")]];
  await using running = startHub(fixture("s", { pages }));
  await running.hub.ready();
  expect(running.hub.tools().map(({ name }) => name)).toEqual(["s__good", "s__fine"]);
  expect(running.hub.servers()[0]).toMatchObject({
    state: "degraded",
    reason: "left out: bad: inputSchema is not an object",
    tools: 2,
  });
});

test("edge 20: a tool with small mistakes is offered", async () => {
  const sloppy = { name: "s", description: null, title: null, inputSchema: {}, annotations: { readOnlyHint: "true" } };
  const pages = [[sloppy, tool("t", { outputSchema: { type: "array" } }), { inputSchema: { type: "object" } }]];
  await using running = await ready(fixture("x", { pages }));
  expect(running.hub.tools().map(({ name }) => name)).toEqual(["x__s", "x__t"]);
  expect(running.hub.servers()[0]?.reason).toBe("left out: (without a name): name is missing");
});

const checked = (outputSchema: object) => tool("report", { outputSchema });

test.each([
  ["an address to fetch", { $ref: "https://example.com/schema.json" }],
  ["a reference to nothing", { properties: { n: { $ref: "#/$defs/none" } } }],
  ["a pattern that is none", { properties: { n: { pattern: "(" } } }],
  ["draft-04 bounds", { properties: { n: { minimum: 1, exclusiveMinimum: true } } }],
])("edge 21: an outputSchema with %s is not fetched and breaks nothing", async (_, schema) => {
  await using running = await ready(fixture("s", { pages: [[checked({ type: "object", ...schema })]] }));
  expect(await running.call("s__report", { structured: { n: 1 } })).toMatchObject({ isError: false });
  expect(running.hub.servers()[0]).toMatchObject({ state: "ready", tools: 1 });
});

test("edge 21: an outputSchema is read in its own dialect, and tools do not share an $id", async () => {
  const first = [{ type: "number" }];
  const modern = { properties: { pair: { type: "array", prefixItems: first, items: false } } };
  const old = { properties: { pair: { type: "array", items: first, additionalItems: false } } };
  const draft7 = { $schema: "http://json-schema.org/draft-07/schema#", ...old };
  const pages = [modern, draft7].map((schema) => [checked({ $id: "pair", type: "object", ...schema })]);
  await using running = await ready(...pages.map((page, index) => fixture(`s${index}`, { pages: [page] })));
  const parts = async (server: number, pair: unknown[]) =>
    (await running.call(`s${server}__report`, { structured: { pair } })).content.length;
  expect([await parts(0, [1]), await parts(1, [1])]).toEqual([2, 2]);
  // The additional part is the note that the result does not match its schema.
  expect([await parts(0, [1, 2]), await parts(1, [1, 2])]).toEqual([3, 3]);
});

test("edge 22: all pages are in the list, and pages in a circle end", async () => {
  await using running = startHub(
    fixture("pages", { pages: [[tool("a")], [tool("b")], [tool("c")]] }),
    fixture("circle", { pages: [[tool("a")], [tool("b")]], circle: true }),
  );
  await running.hub.ready();
  expect(running.hub.tools().map(({ name }) => name)).toEqual([
    "pages__a",
    "pages__b",
    "pages__c",
    "circle__a",
    "circle__b",
  ]);
});

test("edge 22: the output schema of a tool on an early page is checked as well", async () => {
  const promises = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  await using running = await ready(fixture("s", { pages: [[checked(promises)], [tool("b")], [tool("c")]] }));
  const { content } = await running.call("s__report", { structured: { n: "x" } });
  expect(JSON.stringify(content)).toContain("the result is not what the tool's outputSchema says");
});

test("edge 23: an odd result is passed on as far as possible", async () => {
  await using running = await ready(fixture("s"));
  expect((await running.call("s__odd")).content).toEqual([
    { type: "text", text: '[content of type "hologram" that this host cannot show]' },
    { type: "text", text: "and text" },
    { type: "text", text: "[1,2]" },
  ]);
});

test("edge 24: one signal serves many calls: finished calls are not cancelled again", async () => {
  using record = recording();
  await using running = await ready(fixture("s", { record: record.path }));
  const turn = new AbortController();
  for (let times = 0; times < 3; times++) await running.call("s__echo", {}, { signal: turn.signal });
  turn.abort();
  expect((await running.call("s__echo", {}, { signal: turn.signal })).isError).toBe(true);
  await running.call("s__echo");
  expect(record.lines().filter((line) => line.startsWith("cancelled"))).toEqual([]);
});

test("edge 25: progress keeps a call alive and is shown", async () => {
  await using running = await ready(fixture("s", {}, { timeoutMs: 1_500 }));
  const seen: ToolProgress[] = [];
  const result = await running.call(
    "s__drip",
    { times: 6, everyMs: 300 },
    { onProgress: (progress) => seen.push(progress) },
  );
  expect(textOf(result.content)).toBe("dripped");
  expect(seen).toEqual([1, 2, 3, 4, 5, 6].map((progress) => ({ progress, total: 6 })));
});

test("edge 25: progress does not keep a call alive beyond the absolute cap", async () => {
  await using running = await ready(fixture("s", {}, { timeoutMs: 2_000, maxTotalTimeoutMs: 2_000 }));
  const result = await running.call("s__drip", { times: 100, everyMs: 80 });
  expect(textOf(result.content)).toBe("drip did not answer and its outcome is unknown: not finished within 2 s");
});

test("edge 25: a server that is slow to start gets its own time limit, not the SDK's", async () => {
  await using running = await ready(fixture("slow", { startMs: 800 }, { timeoutMs: 200, startupTimeoutMs: 20_000 }));
  expect(running.hub.servers()[0]?.state).toBe("ready");
});

test("edge 26: progress that comes in one piece with the answer is shown, and causes no error", async () => {
  await using running = await ready(fixture("s", { pages: [[tool("burst")]] }));
  const seen: ToolProgress[] = [];
  const result = await running.call("s__burst", {}, { onProgress: (progress) => seen.push(progress) });
  expect(textOf(result.content)).toBe("burst");
  expect(seen).toEqual([{ progress: 1 }]);
  expect(running.hub.servers()[0]?.state).toBe("ready");
});

test("edge 27: a server that withdraws its request 0 stops the model's request", async () => {
  using record = recording();
  let reason: unknown;
  const sample = (_request: unknown, signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        reason = signal.reason;
        reject(signal.reason);
      });
      appendFileSync(record.path, "arrived\n");
    });
  const behaviour = { record: record.path, pages: [[tool("regret")]] };
  await using running = startHubWith({ sample }, fixture("s", behaviour, { sampling: "allow" }));
  await running.hub.ready();
  const params = { messages: [{ role: "user", content: { type: "text", text: "2+2?" } }], maxTokens: 10 };
  const result = await running.call("s__regret", { method: "sampling/createMessage", params });
  expect(textOf(result.content)).toBe("went on");
  expect(reason).toBeDefined();
});

test("edge 27: a first call that is cancelled is a result at once, and the server is told: it is not request 0", async () => {
  using record = recording();
  await using running = await ready(fixture("s", { record: record.path }));
  const turn = new AbortController();
  const call = running.call("s__hang", {}, { signal: turn.signal });
  const hanging = () => record.lines().find((line) => line.startsWith("hanging"));
  await until(() => hanging() !== undefined);
  expect(hanging()).not.toBe("hanging 0");
  turn.abort();
  expect(await call).toEqual({
    content: [{ type: "text", text: "hang was cancelled before it answered" }],
    isError: true,
  });
  await until(() => record.lines().includes(hanging()?.replace("hanging", "cancelled") ?? ""));
  const finished = record.lines().filter((line) => line.startsWith("cancelled")).length;
  expect(finished).toBe(1);
});

test("edge 28: after a restart nothing of the old server stays: neither its tools nor its listener for changes", async () => {
  using record = recording();
  const changing = { record: record.path, describedByStarts: true };
  await using running = await ready(fixture("s", changing));
  const described = () => running.hub.tools()[0]?.description;
  expect(described()).toBe("start 1");
  await running.call("s__crash");
  await running.hub.settled();
  expect(described()).toBe("start 2");
  await running.call("s__grow");
  await until(() => running.hub.tools().at(-1)?.name.startsWith("s__grown") === true);
});

test("edge 29: names that no provider accepts are mapped, and reach the server unchanged", async () => {
  const names = ["files.read", "files/read", "files_read", `${"long".repeat(30)}_a`, `${"long".repeat(30)}_b`, "ü"];
  await using running = await ready(fixture("my.server", { pages: [names.map((name) => tool(name))] }));
  const mapped = running.hub.tools().map(({ name }) => name);
  expect(new Set(mapped).size).toBe(names.length);
  expect(mapped.every((name) => /^[a-zA-Z0-9_-]{1,64}$/.test(name))).toBe(true);
  const results = await Promise.all(mapped.map((name) => running.call(name)));
  expect(results.map(({ content }) => textOf(content))).toEqual(names);
});

import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import type { ToolProgress } from "../../src/core/ports.js";
import { demoServer } from "../../src/demo/demo-servers.js";
import { type RunningHub, startHub } from "../support/mcp-hub.js";

let running: RunningHub;
beforeAll(async () => {
  running = startHub(demoServer());
  await running.hub.settled();
});
afterAll(() => running.hub.close());

test("the demo server adds, and its read-only tools run without a question", async () => {
  expect(await running.call("demo__add", { a: 2, b: 40 })).toEqual({
    content: [{ type: "text", text: "42" }],
    isError: false,
  });
  for (const { name } of running.hub.tools().filter(({ server }) => server === "demo")) {
    const args = { demo__add: '{"a":1,"b":1}', demo__echo: '{"text":""}', demo__count: '{"to":1}' }[name] ?? "";
    expect(await running.hub.prepare({ id: "1", name, arguments: args })).toMatchObject({ readOnly: true });
  }
});

test("the demo server echoes and tells the time", async () => {
  expect(textOf((await running.call("demo__echo", { text: "hé" })).content)).toBe("hé");
  expect(Date.parse(textOf((await running.call("demo__current_time")).content))).not.toBeNaN();
});

test("the demo server counts with progress, and stops when it is cancelled", async () => {
  const seen: ToolProgress[] = [];
  const counted = await running.call("demo__count", { to: 3 }, { onProgress: (progress) => seen.push(progress) });
  expect(textOf(counted.content)).toBe("1 2 3");
  expect(seen.map(({ message }) => message)).toEqual(["1 of 3", "2 of 3", "3 of 3"]);
  const turn = new AbortController();
  const endless = running.call(
    "demo__count",
    { to: 1000, delay_ms: 50 },
    { signal: turn.signal, onProgress: () => turn.abort() },
  );
  expect((await endless).isError).toBe(true);
});

test("the demo server has a resource and a prompt", async () => {
  expect(textOf(await running.hub.readResource("demo://readme"))).toContain("comes with MCP-Platform");
  expect(await running.hub.applyPrompt("demo__summarize", { topic: "tides" })).toEqual([
    { type: "text", text: "Summarize in three sentences: tides" },
  ]);
});

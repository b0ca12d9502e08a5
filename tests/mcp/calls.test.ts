import { describe, expect, test } from "@jest/globals";
import { type ContentPart, textOf } from "../../src/core/messages.js";
import type { ToolProgress } from "../../src/core/ports.js";
import { httpServer } from "../support/mcp-http.js";
import { fixture, recording, remoteServer, startHub, until } from "../support/mcp-hub.js";
import { processorMs } from "../support/processor-time.js";

async function ready(...configs: ReturnType<typeof fixture>[]) {
  const running = startHub(...configs);
  await running.hub.ready();
  return running;
}

const pidOf = (lines: string[]) =>
  Number(
    lines
      .filter((line) => line.startsWith("started"))
      .at(-1)
      ?.split(" ")[1],
  );

test("arguments arrive, and the result comes back", async () => {
  await using running = await ready(fixture("s"));
  expect(await running.call("s__echo", { a: [1, "é"] })).toEqual({
    content: [{ type: "text", text: '{"a":[1,"é"]}' }],
    isError: false,
  });
});

test("an unknown tool is refused with the nearest names, or with the state of its server", async () => {
  await using running = await ready(fixture("s"), fixture("gone", {}, { command: "no-such-mcp-server" }));
  expect(textOf((await running.call("s__ecko")).content)).toBe("there is no tool s__ecko (did you mean s__echo?)");
  expect(textOf((await running.call("gone__x")).content)).toMatch(
    /^there is no tool gone__x; the MCP server "gone" has failed: command not found/,
  );
});

test("a call without an answer ends with its timeout, and the server gets a cancel", async () => {
  using record = recording();
  await using running = await ready(fixture("s", { record: record.path }, { timeoutMs: 200 }));
  const result = await running.call("s__hang");
  expect(result).toEqual({
    content: [
      { type: "text", text: "hang did not answer and its outcome is unknown: no answer and no progress within 200 ms" },
    ],
    isError: true,
  });
  const id = record
    .lines()
    .find((line) => line.startsWith("hanging"))
    ?.split(" ")[1];
  await until(() => record.lines().includes(`cancelled ${id}`));
});

test("a server that dies in a call gives an error result, is restarted, and its tools stay", async () => {
  await using running = await ready(fixture("s"));
  const tools = running.hub.tools();
  const result = await running.call("s__crash", { code: 7 });
  expect(result.isError).toBe(true);
  expect(textOf(result.content)).toBe(
    'crash did not answer and its outcome is unknown: the MCP server "s" is starting: ' +
      "the connection was lost: the server exited with code 7; it is being restarted",
  );
  expect(textOf((await running.call("s__echo")).content)).toMatch(
    /^echo was not called: the MCP server "s" is starting/,
  );
  await running.hub.settled();
  expect(running.hub.servers()[0]?.state).toBe("ready");
  expect(running.hub.tools()).toBe(tools);
  expect(textOf((await running.call("s__echo", { back: true })).content)).toBe('{"back":true}');
});

test("a call that is cancelled while its server starts says so, and not that the server is starting", async () => {
  await using running = await ready(fixture("s"));
  await running.call("s__crash");
  const result = await running.call("s__echo", {}, { signal: AbortSignal.abort() });
  expect(textOf(result.content)).toBe("echo was cancelled before it was sent");
});

test("a server that is killed between calls is restarted", async () => {
  using record = recording();
  await using running = await ready(fixture("s", { record: record.path }));
  process.kill(pidOf(record.lines()), "SIGKILL");
  await until(() => running.statuses.some(({ reason }) => reason?.includes("was killed by SIGKILL")));
  await running.hub.settled();
  expect((await running.call("s__echo")).isError).toBe(false);
});

test("a tool's own timeout outranks the server's", async () => {
  const tools = { allow: [], deny: [], autoApprove: [], timeoutsMs: { "ha*": 150 } };
  await using running = await ready(fixture("s", {}, { tools }));
  expect(textOf((await running.call("s__hang")).content)).toContain("unknown: no answer and no progress within 150 ms");
});

test("the server gets the call's id and its trace", async () => {
  await using running = await ready(fixture("s", { pages: [[{ name: "meta", inputSchema: { type: "object" } }]] }));
  const span = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
  const trace = { ...span, isSampled: true, state: "vendor=a" };
  const meta = JSON.parse(textOf((await running.call("s__meta", {}, { callId: "call_9", trace })).content));
  expect(meta).toMatchObject({
    "mcp-platform/call-id": "call_9",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "vendor=a",
    progressToken: expect.anything(),
  });
});

describe("the output schema of a tool", () => {
  const outputSchema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  const promising = (schema: object) =>
    fixture("s", { pages: [[{ name: "report", inputSchema: { type: "object" }, outputSchema: schema }]] });
  const words = (content: ContentPart[]) => content.map((part) => (part.type === "text" ? part.text : part.type));

  test("is checked, and the model learns of a result that does not fit", async () => {
    await using running = await ready(promising(outputSchema));
    expect(words((await running.call("s__report", { structured: { n: 1 } })).content)).toEqual(["report", '{"n":1}']);
    expect(words((await running.call("s__report", { structured: { n: "x" } })).content)).toEqual([
      "report",
      '{"n":"x"}',
      '[the result is not what the tool\'s outputSchema says: `n` must be integer, got "x"]',
    ]);
    expect(words((await running.call("s__report", {})).content)).toEqual([
      "report",
      "[the result is not what the tool's outputSchema says: it has no structured content]",
    ]);
  });
});

test("a result whose check takes long is returned unchecked", async () => {
  const outputSchema = { type: "object", properties: { text: { type: "string", pattern: "^(a+)+$" } } };
  const tool = { name: "report", inputSchema: { type: "object" }, outputSchema };
  await using running = await ready(fixture("s", { pages: [[tool]] }));
  const { content, isError } = await running.call("s__report", { structured: { text: `${"a".repeat(40)}!` } });
  expect(isError).toBe(false);
  expect(textOf(content)).toContain("report");
  expect(textOf(content)).not.toContain("outputSchema");
});

describe("a tool that runs as a task", () => {
  const declares = { tools: {}, tasks: { requests: { tools: { call: {} } }, cancel: {} } };
  const work = { name: "work", inputSchema: { type: "object" }, execution: { taskSupport: "required" } };
  const working = (record?: string) => fixture("s", { declares, pages: [[work]], record }, { timeoutMs: 2000 });

  test("is polled to its result, and its state is shown as progress", async () => {
    await using running = await ready(working());
    const seen: ToolProgress[] = [];
    const onProgress = (progress: ToolProgress) => seen.push(progress);
    const result = await running.call("s__work", { polls: 2, end: "completed" }, { onProgress });
    expect(textOf(result.content)).toBe("task completed");
    expect(seen).toEqual([
      { progress: 1, message: "1 to go" },
      { progress: 2, message: "0 to go" },
    ]);
  });

  test("may ask the person while it runs", async () => {
    await using running = await ready(working());
    const ask = async () => ({ action: "accept", content: {} });
    const result = await running.call("s__work", { polls: 1, end: "input_required" }, { ask });
    expect(textOf(result.content)).toBe("task accept");
  });

  test("is cancelled with its call", async () => {
    using record = recording();
    await using running = await ready(working(record.path));
    const turn = new AbortController();
    const call = running.call("s__work", { polls: 1e9, end: "completed" }, { signal: turn.signal });
    await until(() => record.lines().includes("polled t1"));
    turn.abort();
    expect(textOf((await call).content)).toBe("work was cancelled before it answered");
    await until(() => record.lines().includes("cancelled t1"));
  });

  test.each(["tools/call", "tasks/get"])(
    "is not called again if its server loses the session after %s",
    async (last) => {
      const task = (method: string, status: string) => () => {
        if (method === last) server.forget();
        return { taskId: "t1", status, pollInterval: 50 };
      };
      const started = task("tools/call", "working");
      await using server = await httpServer({
        tasks: {
          "tools/call": () => ({ task: started() }),
          "tasks/get": task("tasks/get", "completed"),
          "tasks/result": () => ({ content: [] }),
        },
      });
      await using running = startHub(remoteServer("r", server.url, "http"));
      await running.hub.ready();
      const { content } = await running.call("r__work");
      expect(textOf(content)).toContain("work did not answer and its outcome is unknown");
      expect(server.seen.filter((line) => line.startsWith("POST tools/call"))).toHaveLength(1);
    },
  );
});

test.each(["tasks/get", "tasks/result"])(
  "the outcome of a task is unknown if the server refuses %s with a status",
  async (method) => {
    const answering = (each: string, result: object) => () => {
      if (each === method) throw 429;
      return result;
    };
    await using server = await httpServer({
      tasks: {
        "tools/call": () => ({ task: { taskId: "t1", status: "working", pollInterval: 50 } }),
        "tasks/get": answering("tasks/get", { taskId: "t1", status: "completed" }),
        "tasks/result": answering("tasks/result", { content: [] }),
      },
    });
    await using running = startHub(remoteServer("r", server.url, "http"));
    await running.hub.ready();
    const { content } = await running.call("r__work");
    expect(textOf(content)).toBe(`work did not answer and its outcome is unknown: ${server.url}: HTTP 429`);
  },
);

describe("a task whose server wants the person to visit a page", () => {
  const page = { mode: "url", url: "https://login.example/", message: "log in" };
  const wantsPage = { code: -32042, message: "log in first", data: { elicitations: [page] } };
  const working = { taskId: "t1", status: "working", pollInterval: 50 };
  const visits = { ask: async () => ({ action: "accept" }) };

  test.each([
    ["is not called again if a poll is refused so", "tasks/get", 1, "log in first"],
    ["is called again if that is the outcome of the call", "tasks/result", 2, "done"],
  ])("%s", async (_, refused, calls, said) => {
    let isRefused = true;
    const refusing = (method: string, result: object) => () => {
      if (method !== refused || !isRefused) return result;
      isRefused = false;
      throw wantsPage;
    };
    await using server = await httpServer({
      tasks: {
        "tools/call": () => ({ task: working }),
        "tasks/get": refusing("tasks/get", { ...working, status: "completed" }),
        "tasks/result": refusing("tasks/result", { content: [{ type: "text", text: "done" }] }),
      },
    });
    await using running = startHub(remoteServer("r", server.url, "http"));
    await running.hub.ready();
    const { content } = await running.call("r__work", {}, visits);
    expect(textOf(content)).toContain(said);
    expect(server.seen.filter((line) => line.startsWith("POST tools/call"))).toHaveLength(calls);
  });
});

test("a result line of 5 MB takes milliseconds", async () => {
  await using running = await ready(fixture("s"));
  const bytes = 5 * 1024 * 1024;
  const before = processorMs();
  const result = await running.call("s__big", { bytes });
  expect(processorMs() - before).toBeLessThan(1500);
  expect(textOf(result.content).length).toBe(bytes);
});

test("a secret of the configuration is not in the message when the server prints it", async () => {
  const stderr = "cannot log in with s3cr3t-value\n";
  await using running = await ready(
    fixture("s", { exitAtStart: { code: 1, stderr } }, { env: { API_TOKEN: "s3cr3t-value" } }),
  );
  expect(running.hub.servers()[0]?.reason).toBe(
    "the server exited with code 1; it said: cannot log in with [redacted]",
  );
});

test("a secret of the configuration is not in the result of a call or a read that the server answers with an error", async () => {
  const refuses = Object.fromEntries(
    ["tools/call", "resources/read"].map((method) => [method, { code: -32603, message: "bad token s3cr3t-value" }]),
  );
  const resources = [{ uri: "note://listed", name: "Listed" }];
  await using running = await ready(fixture("s", { refuses, resources }, { env: { API_TOKEN: "s3cr3t-value" } }));
  const said = async (tool: string, args = {}) => textOf((await running.call(tool, args)).content);
  expect(await said("s__echo")).toBe("echo failed: bad token [redacted]");
  expect(await said("host__read_resource", { uri: "note://listed" })).toMatch(/failed: .*bad token \[redacted\]/);
});

test("four calls at once run in parallel", async () => {
  await using running = await ready(fixture("s"), fixture("t"));
  const startedAt = performance.now();
  const drips = ["s", "t", "s", "t"].map((server) => running.call(`${server}__drip`, { times: 1, everyMs: 1_500 }));
  await Promise.all(drips);
  expect(performance.now() - startedAt).toBeLessThan(5_500);
});

import { describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import type { ToolProgress } from "../../src/core/ports.js";
import { recording, startHub, until } from "../support/mcp-hub.js";
import { modernServer, ways } from "../support/modern-server.js";

const working = (statusMessage: string) => ({ status: "working", statusMessage });
const completed = (text: string, more: object = {}) => ({
  status: "completed",
  result: { content: [{ type: "text", text }], ...more },
});
const form = { type: "object", properties: { n: { type: "integer" } } };
const asks = (...keys: string[]) => ({
  status: "input_required",
  inputRequests: Object.fromEntries(
    keys.map((key) => [
      key,
      { method: "elicitation/create", params: { mode: "form", message: `${key}?`, requestedSchema: form } },
    ]),
  ),
});

describe("a call that the server makes a task of", () => {
  test.each(ways)("is polled to its result, and shows its progress, over %s", async (way) => {
    using record = recording();
    await using server = await modernServer(way, { record: record.path });
    await using running = startHub(server.config);
    await running.hub.ready();
    const seen: ToolProgress[] = [];
    const plan = [working("half"), working("nearly"), completed("done")];
    const result = await running.call("m__task", { plan }, { onProgress: (progress) => seen.push(progress) });
    expect(result).toEqual({ content: [{ type: "text", text: "done" }], isError: false });
    expect(seen).toEqual([{ progress: 1, message: "half" }, { progress: 2, message: "nearly" }, { progress: 3 }]);
    expect(record.lines()).not.toContain("tasks/cancel task 0 é");
    // The task routes the request. Its name is not ASCII, so the header is encoded.
    if (way === "http") expect(record.lines()).toContain("Mcp-Name =?base64?dGFzayAwIMOp?=");
  });

  test("may end with an error of the tool", async () => {
    await using server = await modernServer("stdio");
    await using running = startHub(server.config);
    await running.hub.ready();
    expect(await running.call("m__task", { plan: [completed("no disk", { isError: true })] })).toEqual({
      content: [{ type: "text", text: "no disk" }],
      isError: true,
    });
  });

  test.each(ways)("asks the person each question once, over %s", async (way) => {
    using record = recording();
    await using server = await modernServer(way, { record: record.path });
    await using running = startHub(server.config);
    await running.hub.ready();
    const asked: string[] = [];
    const ask = async ({ prompt }: { prompt: string }) => {
      asked.push(prompt);
      return { action: "accept", content: { n: asked.length } };
    };
    // The server's second answer still contains the first question, as a slow server's may.
    const plan = [asks("a"), asks("a", "b"), completed("ANSWERS")];
    const result = await running.call("m__task", { plan }, { ask: ask as never });
    expect(JSON.parse(textOf(result.content))).toEqual([
      { a: { action: "accept", content: { n: 1 } } },
      { b: { action: "accept", content: { n: 2 } } },
    ]);
    expect(asked).toHaveLength(2);
  });

  test.each(ways)("is cancelled on the server when the call is cancelled, over %s", async (way) => {
    using record = recording();
    await using server = await modernServer(way, { record: record.path });
    await using running = startHub(server.config);
    await running.hub.ready();
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    const result = await running.call("m__task", { plan: [working("")] }, { signal: abort.signal, onProgress });
    expect(textOf(result.content)).toBe("task was cancelled before it answered");
    await until(() => record.lines().includes("tasks/cancel task 0 é"));
  });

  test("is cancelled on the server when its time limit, which every poll restarts, is reached", async () => {
    using record = recording();
    await using server = await modernServer("stdio", { record: record.path });
    await using running = startHub({ ...server.config, timeoutMs: 1_000, maxTotalTimeoutMs: 2_000 });
    await running.hub.ready();
    const result = await running.call("m__task", { plan: [working("")] });
    expect(textOf(result.content)).toBe("task did not answer and its outcome is unknown: not finished within 2 s");
    await until(() => record.lines().includes("tasks/cancel task 0 é"));
  });

  test("is cancelled on the server when its question is refused", async () => {
    using record = recording();
    await using server = await modernServer("stdio", { record: record.path });
    await using running = startHub(server.config);
    await running.hub.ready();
    const inputRequests = { r: { method: "roots/list" } };
    const result = await running.call("m__task", { plan: [{ status: "input_required", inputRequests }] });
    expect(result).toMatchObject({ isError: true });
    expect(textOf(result.content)).toBe("task failed: this host does not answer roots/list");
    await until(() => record.lines().includes("tasks/cancel task 0 é"));
  });

  test.each([
    [{ status: "failed", error: { code: -32603, message: "rate limit" } }, "task failed: rate limit"],
    [{ status: "failed", statusMessage: "no quota" }, "task failed: the task failed: no quota"],
    [
      { status: "cancelled", statusMessage: "by the owner" },
      "task failed: the server cancelled the task: by the owner",
    ],
    [
      { status: "expired" },
      "task did not answer and its outcome is unknown: the server no longer has the task: Failed to retrieve task: Task has expired",
    ],
    [
      { status: "completed" },
      'task did not answer and its outcome is unknown: the server says of the task that it is "completed", without a result',
    ],
  ])("is an error of the call if it comes to %j", async (end, words) => {
    await using server = await modernServer("stdio");
    await using running = startHub(server.config);
    await running.hub.ready();
    const result = await running.call("m__task", { plan: [end] });
    expect(result).toEqual({ content: [{ type: "text", text: words }], isError: true });
  });
});

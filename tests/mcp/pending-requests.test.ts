import { expect, test } from "@jest/globals";
import { RpcError } from "../../src/core/errors.js";
import { PendingRequests } from "../../src/mcp/protocol/pending-requests.js";
import { RequestLimits } from "../../src/mcp/protocol/request-limits.js";

/** Returns a transport that records sent messages, and a client that records what it receives. */
function connected() {
  const sent: { id?: number; method: string; params: Record<string, unknown> }[] = [];
  const left: unknown[] = [];
  const transport = {
    onmessage: (message: unknown) => void left.push(message),
    async send(message: object) {
      sent.push(message as (typeof sent)[number]);
    },
  };
  const requests = new PendingRequests(transport);
  return { requests, sent, left, comes: (message: object) => transport.onmessage({ jsonrpc: "2.0", ...message }) };
}

test("an answer goes to its request, also under an id that became a text; any other goes to the client", async () => {
  const { requests, sent, left, comes } = connected();
  const answers = [requests.send("a", {}), requests.send("b", {})];
  comes({ id: "2", result: { b: 1 } });
  comes({ id: 1, error: { code: -32602, message: "MCP error -32602: MCP error -32602: no" } });
  for (const stranger of [
    { id: 1, result: {} },
    { id: 0, result: {} },
    { id: null, result: {} },
    { id: 9, method: "ping" },
  ])
    comes(stranger);
  expect(await answers[1]).toEqual({ b: 1 });
  await expect(answers[0]).rejects.toEqual(new RpcError(-32602, "no", undefined));
  expect(sent.map(({ id }) => id)).toEqual([1, 2]);
  expect(left).toHaveLength(4);
});

test("progress goes to the call while it runs, and to a call that became a task until the task ends", async () => {
  const { requests, left, comes } = connected();
  const limits = new RequestLimits({});
  const seen: unknown[] = [];
  const progress = (token: unknown, params: object) =>
    comes({ method: "notifications/progress", params: { progressToken: token, ...params } });
  const send = () => requests.send("tools/call", {}, { limits, onProgress: (news) => seen.push(news) });
  const [task, plain] = [send(), send()];
  progress("1", { progress: 1, total: 4, message: "one", more: 1 });
  comes({ id: 1, result: { task: { taskId: "t" } } });
  comes({ id: 2, result: { content: [] } });
  await Promise.all([task, plain]);
  progress(1, { progress: 2 });
  expect(seen).toEqual([{ progress: 1, total: 4, message: "one" }, { progress: 2 }]);
  expect(left).toEqual([]);
  progress(1, { progress: "3" });
  progress(2, { progress: 3 });
  expect(left).toHaveLength(2);
  limits.end();
});

test("a request that is aborted is withdrawn, and its late answer goes to the client", async () => {
  const { requests, sent, left, comes } = connected();
  const stop = new AbortController();
  const limits = new RequestLimits({ signal: stop.signal });
  const answer = requests.send("tools/call", {}, { limits });
  stop.abort(new Error("enough"));
  await expect(answer).rejects.toThrow("enough");
  comes({ id: 1, result: {} });
  expect(left).toHaveLength(1);
  expect(sent.at(-1)).toMatchObject({
    method: "notifications/cancelled",
    params: { requestId: 1, reason: "Error: enough" },
  });
  limits.end();
});

test("waiting requests fail when the connection ends, and nothing is sent after it", async () => {
  const { requests, sent } = connected();
  const answer = requests.send("a", {});
  requests.close(new Error("closed"));
  await expect(answer).rejects.toThrow("closed");
  await expect(requests.send("b", {})).rejects.toThrow("Not connected");
  expect(sent).toHaveLength(1);
});

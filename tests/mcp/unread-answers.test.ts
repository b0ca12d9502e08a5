/** Servers that send thousands of requests. The answers that they do not read must fill neither memory nor the list of connections. */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { limitUnreadAnswers } from "../../src/mcp/protocol/legacy-session.js";
import { nodeServer, type RunningHub, remoteServer, startHub, until } from "../support/mcp-hub.js";

/** More requests than answers may be unread. Some 2,000 answers are in the pipe, whose buffer is larger from Node 22 on. */
const tooMany = 16_000;
const unread = "the server does not read the answers to its requests (10000 are unread)";
const isLost = `the connection was lost: ${unread}; it is being restarted`;

interface Flood {
  era?: "legacy" | "modern";
  after?: string;
  requests?: number;
  deaf?: boolean;
}

function flooded({ era = "legacy", after = "tools/list", requests = tooMany, deaf = true }: Flood): RunningHub {
  const args = [resolve("tests/support/mcp-flooding.mjs"), JSON.stringify({ era, after, requests, deaf })];
  return startHub(nodeServer("u", args, { protocol: era, pingIntervalMs: 0 }));
}

/** Waits until the host has ended the connection or got the server's log message. Resolves with the reason of the end. */
async function endOrLog({ statuses, log }: RunningHub, text: string): Promise<string | undefined> {
  const reason = () => statuses.find((status) => status.reason)?.reason;
  await until(() => reason() !== undefined || log.some(({ message }) => message === `u: ${text}`));
  return reason();
}

test("stdio: the connection to a server that reads no answers ends", async () => {
  await using running = flooded({});
  expect(await endOrLog(running, "sent")).toBe(isLost);
});

test("stdio: a server that reads no answers before it has started fails for the same reason", async () => {
  await using running = flooded({ after: "initialize" });
  await until(() => running.statuses.length > 1);
  expect(running.statuses[1]).toMatchObject({ state: "failed", reason: unread });
});

test("stdio: a server that reads its answers may send thousands of requests at once", async () => {
  await using running = flooded({ requests: 5_000, deaf: false });
  expect(await endOrLog(running, "answered")).toBeUndefined();
});

test("stdio: a server of protocol 2026-07-28 gets no answers, because it must not send requests", async () => {
  await using running = flooded({ era: "modern" });
  expect(await endOrLog(running, "sent")).toBeUndefined();
});

test.each(["http", "sse"] as const)(
  "%s: few connections wait for a server that reads no answers, and it is lost",
  async (way) => {
    await using server = await deafServer(way);
    await using running = startHub({ ...remoteServer("u", server.url, way), pingIntervalMs: 0 });
    expect(await endOrLog(running, "sent")).toBe(isLost);
    expect(server.mostPosts()).toBeLessThanOrEqual(32);
  },
);

/** Starts a server that sends many requests on its notification stream and never responds to the POSTs with the answers. */
async function deafServer(way: "http" | "sse") {
  const event = (message: object) => `data: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`;
  const flood = (stream: ServerResponse | undefined) => {
    const requests = Array.from({ length: tooMany }, (_, id) => event({ id, method: "ping" }));
    stream?.write(requests.join(""));
    stream?.write(event({ method: "notifications/message", params: { level: "info", data: "sent" } }));
  };
  const results: Record<string, object> = {
    initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "u", version: "1" } },
    "tools/list": { tools: [] },
  };
  let notifications: ServerResponse | undefined;
  let [posts, mostPosts] = [0, 0];
  const server = createServer(async (request, response) => {
    if (request.method === "GET") {
      notifications = response.writeHead(200, { "content-type": "text/event-stream" });
      if (way === "sse") return response.write("event: endpoint\ndata: /messages\n\n");
      return flood(notifications);
    }
    let text = "";
    for await (const chunk of request) text += chunk;
    const { id, method } = JSON.parse(text || "{}");
    if (id !== undefined && method === undefined) {
      mostPosts = Math.max(mostPosts, ++posts);
      return response.once("close", () => posts--);
    }
    const result = results[method];
    if (!result) return response.writeHead(202).end();
    if (way === "http") {
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    }
    response.writeHead(202).end();
    notifications?.write(event({ id, result }));
    return method === "tools/list" && flood(notifications);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    mostPosts: () => mostPosts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

test("answers are sent in their order, 32 at a time, and large ones that are unread have a limit of their own", async () => {
  const sent: { id: unknown; read: () => void }[] = [];
  const transport = {
    send: (message: JSONRPCMessage) =>
      new Promise<void>((read) => void sent.push({ id: "id" in message && message.id, read })),
  };
  const overflowed = limitUnreadAnswers(transport);
  const answer = (id: number, size = 0) => transport.send({ jsonrpc: "2.0", id, result: { text: "x".repeat(size) } });
  const answers = Array.from({ length: 33 }, (_, id) => answer(id));
  void transport.send({ jsonrpc: "2.0", id: "own", method: "tools/list" });
  expect(sent.map(({ id }) => id)).toEqual([...Array.from({ length: 32 }, (_, id) => id), "own"]);
  sent[3]?.read();
  await answers[3];
  await new Promise(setImmediate);
  expect(sent.at(-1)?.id).toBe(32);
  void answer(33, 17_000_000);
  await expect(answer(34)).rejects.toThrow("33 are unread");
  await expect(overflowed).rejects.toThrow("33 are unread");
});

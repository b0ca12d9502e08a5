/**
 * A server over stdio that sends thousands of requests. Its first argument is its behaviour, as JSON: era (legacy, modern), after (the
 * method whose request starts the flood, after its answer), requests (their number), deaf (reads nothing once the flood has begun). After
 * the flood it sends the log message `sent`, and after the answer to the last request the log message `answered`.
 */
import { createInterface } from "node:readline";

const { era, after, requests, deaf } = JSON.parse(process.argv[2] ?? "{}");
const line = (message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const send = (message) => process.stdout.write(line(message));
const log = (data) => send({ method: "notifications/message", params: { level: "info", data } });

const capabilities = { tools: {}, logging: {} };
const results = {
  initialize: { protocolVersion: "2025-11-25", capabilities, serverInfo: { name: "flooding", version: "1" } },
  "server/discover": { supportedVersions: ["2026-07-28"], capabilities },
  "tools/list": { tools: [{ name: "t", inputSchema: { type: "object" } }] },
};
if (era !== "modern") delete results["server/discover"];

createInterface({ input: process.stdin }).on("line", (text) => {
  const { id, method } = JSON.parse(text);
  if (id === `q${requests - 1}`) log("answered");
  if (id === undefined || method === undefined) return;
  const result = results[method];
  send(result ? { id, result } : { id, error: { code: -32601, message: `no ${method}` } });
  if (method !== after) return;
  if (deaf) {
    process.stdin.pause();
    // Node ends a process that waits for nothing. This server must live until the host ends it.
    setInterval(() => {}, 60_000);
  }
  process.stdout.write(Array.from({ length: requests }, (_, n) => line({ id: `q${n}`, method: "ping" })).join(""));
  log("sent");
});

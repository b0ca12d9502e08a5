import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { asFetch } from "../../src/mcp/http/as-fetch.js";
import { exchange } from "../../src/mcp/http/http-request.js";
import { askHttp } from "../../src/mcp/transports/remote.js";
import { StreamableHttp } from "../../src/mcp/transports/streamable-http.js";

const kilobyte = 1024;
/** How many of the answers that have no end are still being sent. */
let unended = 0;

/** A server whose path names the status of the answer. The answer has 200 KB and no end. */
const server = createServer((request, response) => {
  response.writeHead(Number(request.url?.slice(1)), { "content-type": "text/plain" });
  response.write("x".repeat(200 * kilobyte));
  unended++;
  response.once("close", () => {
    unended--;
    server.emit("cut");
  });
});
const urlOf = (path: string) => new URL(path, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);

beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

/** Waits until the host has closed the connections of all answers that have no end. */
async function allCut(): Promise<void> {
  while (unended > 0) await once(server, "cut");
}

const transport = (path: string) => new StreamableHttp(urlOf(path), { headers: {}, send: exchange });

test.each([
  ["an answer", { id: 1, result: {} }],
  ["a request", { id: 1, method: "tools/call" }],
  ["a notification", { method: "notifications/cancelled" }],
])("the refusal of %s is read up to a limit, even if it has no end", async (_, message) => {
  const refused = transport("/400").send({ jsonrpc: "2.0", ...message });
  await expect(refused).rejects.toMatchObject({ status: 400, text: "x".repeat(64 * kilobyte) });
  await allCut();
});

test("the refusal of a request that asks for the protocol is read up to a limit", async () => {
  const request = { jsonrpc: "2.0", id: 1, method: "server/discover" } as const;
  const { signal } = new AbortController();
  const asked = askHttp(urlOf("/400"), request, { headers: {}, send: exchange, signal });
  await expect(asked).resolves.toEqual({ status: 400, answer: {} });
  await allCut();
});

test("a refusal over HTTP+SSE or at a login is read up to a limit", async () => {
  const response = await asFetch(exchange)(urlOf("/400"));
  await expect(response.text()).resolves.toBe("x".repeat(64 * kilobyte));
  await allCut();
});

test("an answer whose content nobody reads is cut if it does not end soon", async () => {
  await transport("/202").send({ jsonrpc: "2.0", id: 1, result: {} });
  await allCut();
});

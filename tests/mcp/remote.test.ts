import { expect, test } from "@jest/globals";
import { freePort, httpServer } from "../support/mcp-http.js";
import { remoteServer, startHub } from "../support/mcp-hub.js";

test("a server that is not running is described in words, and joins when it runs", async () => {
  const port = await freePort();
  await using running = startHub(remoteServer("r", `http://127.0.0.1:${port}/mcp?key=s3cr3t`, "auto"));
  await running.hub.ready();
  expect(running.hub.servers()[0]).toMatchObject({
    state: "failed",
    reason: `cannot connect to http://127.0.0.1:${port}/mcp: connection refused (is it running? see mcpServers.r.url)`,
  });
});

test("a server that demands authorization is in the state that says so", async () => {
  await using server = await httpServer({ status: 401 });
  await using running = startHub(remoteServer("r", server.url, "auto"));
  await running.hub.ready();
  expect(running.hub.servers()[0]).toMatchObject({
    state: "needs_auth",
    reason: `${server.url} wants authorization (HTTP 401) (run: mcp-platform servers login r)`,
  });
  expect(server.seen).toHaveLength(1);
});

test("a refused POST leads to the older transport only if the transport is not configured", async () => {
  await using server = await httpServer({ status: 404, body: "nothing here" });
  await using running = startHub(remoteServer("auto", server.url, "auto"), remoteServer("http", server.url, "http"));
  await running.hub.ready();
  expect(
    server.seen
      .filter((line) => !line.includes("server/discover"))
      .map((line) => line.split(" ")[0])
      .sort(),
  ).toEqual(["GET", "POST", "POST"]);
  expect(running.hub.servers()[1]?.reason).toContain("nothing here");
});

test("a server of a newer protocol is told apart from a broken one", async () => {
  const body =
    '{"jsonrpc":"2.0","id":0,"error":{"code":-32022,"message":"unsupported","data":{"supported":["2031-01-01"]}}}';
  await using server = await httpServer({ status: 400, body });
  await using running = startHub(remoteServer("r", server.url, "auto"));
  await running.hub.ready();
  expect(running.hub.servers()[0]?.reason).toBe("the server speaks MCP 2031-01-01 only");
  expect(server.seen).toHaveLength(1);
});

test("an error that repeats a secret header does not bring it into the message", async () => {
  await using server = await httpServer({ status: 500, body: "bad token: token-123" });
  await using running = startHub({
    ...remoteServer("r", server.url, "http"),
    headers: { Authorization: "Bearer token-123" },
  });
  await running.hub.ready();
  expect(running.hub.servers()[0]?.reason).toMatch(/bad token: \[redacted\]/);
});

/** The gateway passes on the errors of servers, and has codes of its own for what it refuses itself. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { ErrorCode, type McpError } from "@modelcontextprotocol/sdk/types.js";
import { McpError as ServerError } from "../../src/core/errors.js";
import { inProtocol } from "../../src/doors/mcp/in-protocol.js";
import { createMcpServer } from "../../src/doors/mcp/server.js";
import type { App } from "../../src/index.js";
import { fixtureServer, startApp } from "../support/app.js";
import { mcpParts } from "../support/mcp-door.js";
import { recording, until } from "../support/mcp-hub.js";

const resourceNotFound = -32002;
const secret = "the-key-of-the-server";

const declares = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} };
const offering = (name: string) => ({
  declares,
  prompts: [{ name: "ask" }],
  resources: [
    { uri: `${name}://a`, name: "a" },
    { uri: "note://today", name: "today" },
  ],
  templates: [{ uriTemplate: `${name}://{x}`, name: "x" }],
});
const refusing = (error: { code: unknown; message: string; data?: unknown }) => ({
  refuses: Object.fromEntries(
    ["resources/read", "resources/subscribe", "prompts/get", "completion/complete", "tools/call"].map((method) => [
      method,
      error,
    ]),
  ),
});

/** Returns JSON that is nested so deep that it could not be written again. */
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

const busy = { code: -32050, message: "busy, try in 5 s", data: { retry: 5 } };
const record = recording();
let app: App;
let client: Client;

beforeAll(async () => {
  app = await startApp({
    llm: "http://127.0.0.1:9/v1",
    mcpServers: {
      busy: fixtureServer({ ...offering("busy"), ...refusing(busy) }),
      gone: fixtureServer({
        ...offering("gone"),
        ...refusing({ code: resourceNotFound, message: "gone", data: { uri: "note://today" } }),
      }),
      telling: fixtureServer(
        {
          ...offering("telling"),
          ...refusing({ code: -32001, message: `no ${secret}`, data: { tried: [secret], again: true } }),
        },
        { env: { API_KEY: secret } },
      ),
      long: fixtureServer({
        ...offering("long"),
        ...refusing({ code: -32001, message: "m".repeat(100_000), data: "d".repeat(100_000) }),
      }),
      deep: fixtureServer({
        ...offering("deep"),
        ...refusing({ code: "E_ODD", message: "deep", data: nested(2_000) }),
      }),
      fragile: fixtureServer({
        ...offering("fragile"),
        pages: [[{ name: "crash", inputSchema: { type: "object" } }]],
        prompts: [{ name: "hang" }],
        record: record.path,
      }),
    },
  });
  const server = await createMcpServer({
    ...mcpParts(app, { tools: ["*"], prompts: true, resources: true }),
    given: { approval: "auto", deny: ["busy.read_resource(uri=busy://denied)"] },
  });
  client = new Client({ name: "test", version: "1" });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await server.connect(ours);
  await client.connect(theirs);
});

afterAll(async () => {
  await client.close();
  await app[Symbol.asyncDispose]();
  record[Symbol.dispose]();
});

const argument = { name: "x", value: "" };
/** One request of each kind that the gateway passes on to the server. */
const requests: [string, (server: string) => Promise<unknown>][] = [
  ["resources/read", (server) => client.readResource({ uri: `${server}://a` })],
  ["resources/subscribe", (server) => client.subscribeResource({ uri: `${server}://a` })],
  ["prompts/get", (server) => client.getPrompt({ name: `${server}__ask` })],
  [
    "completion/complete, of a prompt",
    (server) => client.complete({ ref: { type: "ref/prompt", name: `${server}__ask` }, argument }),
  ],
  [
    "completion/complete, of a template",
    (server) => client.complete({ ref: { type: "ref/resource", uri: `${server}://{x}` }, argument }),
  ],
];

/** Returns the error of the request as the gateway sent it, without what the client puts before the message. */
async function errorOf(request: Promise<unknown>): Promise<{ code: number; message: string; data?: unknown }> {
  const { code, message, data } = await request.then(
    () => Promise.reject(new Error("there was no error")),
    (error: McpError) => error,
  );
  const sent = message.slice(`MCP error ${code}: `.length);
  return data === undefined ? { code, message: sent } : { code, message: sent, data };
}

describe.each(requests)("an error of a server in answer to %s", (_method, ask) => {
  test("has the server's code, message and data", async () => {
    expect(await errorOf(ask("busy"))).toEqual(busy);
  });

  test("has no secret of the server's configuration", async () => {
    expect(await errorOf(ask("telling"))).toEqual({
      code: -32001,
      message: "no [redacted]",
      data: { tried: ["[redacted]"], again: true },
    });
  });

  test("is cut where it is too long", async () => {
    const { message, data } = await errorOf(ask("long"));
    expect(message.length).toBeLessThan(70_000);
    expect(data).toBeUndefined();
  });

  test("is a valid JSON-RPC error even if its code is not a number and its data cannot be written as JSON", async () => {
    expect(await errorOf(ask("deep"))).toEqual({ code: ErrorCode.InternalError, message: "E_ODD: deep" });
  });
});

test("the address in an error is the one that the client knows", async () => {
  expect(await errorOf(client.readResource({ uri: "note://gone/today" }))).toEqual({
    code: resourceNotFound,
    message: "gone",
    data: { uri: "note://gone/today" },
  });
});

test("an error of a server in answer to tools/call is a result that the client's model sees", async () => {
  const { name } = app.hub.tools().find(({ server }) => server === "busy") ?? { name: "" };
  expect(await client.callTool({ name, arguments: {} })).toEqual({
    content: [{ type: "text", text: expect.stringMatching(/failed: busy, try in 5 s$/) }],
    isError: true,
  });
});

describe("a server that does not answer is not reported as a missing resource or prompt", () => {
  test.each(["unavailable", "needs_auth", "timeout", "protocol"] as const)("when it is %s", async (kind) => {
    const failing = inProtocol(() => Promise.reject(new ServerError(kind, "it failed")), resourceNotFound);
    await expect(failing).rejects.toMatchObject({ code: ErrorCode.InternalError });
  });

  test("when it has crashed", async () => {
    const lost = errorOf(client.getPrompt({ name: "fragile__hang" }));
    await until(() => record.lines().includes("prompt hang"));
    await client.callTool({ name: "fragile__crash", arguments: {} });
    expect(await lost).toEqual({ code: ErrorCode.InternalError, message: expect.stringContaining("exited with") });
  });
});

test("an error of the gateway itself has a code of its own", async () => {
  const read = (uri: string) => errorOf(client.readResource({ uri }));
  const code = async (error: Promise<{ code: number }>) => (await error).code;
  expect(await code(read("nowhere://a"))).toBe(resourceNotFound);
  expect(await code(read("busy://denied"))).toBe(resourceNotFound);
  expect(await code(errorOf(client.getPrompt({ name: "busy__nothing" })))).toBe(ErrorCode.InvalidParams);
  const ref = { type: "ref/resource", uri: "nowhere://{x}" } as const;
  expect(await code(errorOf(client.complete({ ref, argument })))).toBe(ErrorCode.InvalidParams);
});

import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { clearing } from "../../../src/core/text/redaction.js";
import { answer, chunk, type Step, startLlmServer, stream, toolCalls } from "../../support/llm-server.js";
import { temporaryFolder } from "../../support/mcp-hub.js";
import { taped } from "../../support/taped.js";

const key = "key-of-the-provider-0123";
const bearer = "bearer-of-the-remote-4567";
const inEnv = 'with "quotes" and \\ 89ab';
const inUrl = "key-in-a-url-cdef";
const looksLikeOne = "sk-proj-abcdefghijklmnop1234";
const all = [key, bearer, inEnv, inUrl, looksLikeOne];

/** Starts a Streamable HTTP server whose tool returns the request that it received. */
async function tattler(): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    const { id, method } = JSON.parse(text || "{}");
    if (request.method !== "POST") return response.writeHead(405).end();
    if (id === undefined) return response.writeHead(202).end();
    const results: Record<string, object> = {
      initialize: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "t", version: "1" },
      },
      "tools/list": { tools: [{ name: "tell", inputSchema: { type: "object" } }] },
      "tools/call": { content: [{ type: "text", text: JSON.stringify(request.headers) }] },
    };
    const result = results[method];
    const answered = result ? { result } : { error: { code: -32601, message: "no such method" } };
    response.writeHead(200, { "content-type": "application/json" });
    return response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answered }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Returns a streamed answer whose deltas hold one letter each. */
function inLetters(text: string): Step {
  const whole = answer(text);
  const pieces = [...text].map((content) => chunk({ content }));
  const streamed = stream([...pieces, chunk({}, "stop"), "data: [DONE]\n\n"]);
  return (response, request) => (request.body.stream ? streamed : whole)(response, request);
}

const ways = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString("base64"),
  JSON.stringify(secret).slice(1, -1),
  JSON.stringify(JSON.stringify(secret)).slice(3, -3),
];

test.each([true, false])(
  "a cassette holds none of its session's secrets, and still plays (streaming: %s)",
  async (streaming) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "secret.cassette.jsonl");
    await using remote = await tattler();
    // The model repeats a key word for word, in pieces, as models do.
    const said = `Your token is ${inEnv} and your key ${looksLikeOne} or ${key}`;
    const steps = () => [
      toolCalls([
        { name: "remote__tell", arguments: { api_key: looksLikeOne, bearer } },
        { name: "local__env", arguments: {} },
      ]),
      toolCalls([{ name: "local__echo", arguments: { password: "hunter22-the-second", note: said } }]),
      inLetters(said),
      answer("again"),
    ];
    await using server = await startLlmServer(steps());
    const config = (url: string, command: string) => ({
      llm: {
        active: "test",
        providers: {
          test: { base_url: `${url}?key=${inUrl}`, model: "m1", api_key: key, headers: { "X-Secret": key } },
        },
      },
      mcpServers: {
        remote: { url: remote.url, type: "http", headers: { Authorization: `Bearer ${bearer}` } },
        local: { command, args: ["tests/support/mcp-server.mjs", "{}"], env: { API_TOKEN: inEnv } },
      },
    });
    const session = { prompts: [`Tell me, my password: hunter22-the-second`, "again"], streaming, home: folder.path };
    const recorded = await taped(
      { path, mode: "record", secrets: [inUrl] },
      { ...session, config: config(server.url, process.execPath) },
    );
    expect(recorded.transcript).toContain(JSON.stringify(inEnv).slice(1, -1));
    expect(recorded.transcript).toContain(bearer);
    const text = readFileSync(path, "utf8");
    for (const secret of all) for (const way of ways(secret)) expect(text).not.toContain(way);
    const spoken = [...text.matchAll(/\\"content\\":\\"(.*?)\\"\}/g)].map(([, letter]) => letter).join("");
    for (const secret of [looksLikeOne, key]) expect(spoken).not.toContain(secret);
    if (streaming) expect(spoken).toContain("Your token is [redacted] and your key [redacted] or [redacted]");
    expect(text).not.toContain("hunter22");
    expect(text).not.toMatch(/authorization":"Bearer [^[]/i);
    expect(statSync(path).mode & 0o777).toBe(0o600);

    const played = await taped(
      { path, mode: "replay", strict: true },
      { ...session, config: config("http://127.0.0.1:1/v1", "/nowhere/at-all") },
    );
    expect([played.misses, played.problems]).toEqual([[], []]);
    expect(played.events.map(({ type }) => type)).toEqual(recorded.events.map(({ type }) => type));
  },
);

test("a secret is cleared in whatever way it is written", () => {
  const clear = clearing([inEnv]);
  for (const text of [
    inEnv,
    JSON.stringify({ a: inEnv }),
    JSON.stringify({ a: JSON.stringify({ b: inEnv }) }),
    encodeURIComponent(inEnv),
  ])
    expect(clear(text)).toContain("[redacted]");
});

describe("a session plays wherever it was recorded, whatever the environment there holds", () => {
  const places: Record<string, string>[] = [
    {},
    { NEXTAUTH_URL: "https://app.example" },
    { NEXTAUTH_URL: "https://else.example" },
  ];
  test.each(places.flatMap((there) => places.map((here) => [there, here] as const)))(
    "recorded with %j, played with %j",
    async (there, here) => {
      using folder = temporaryFolder();
      const path = join(folder.path, "a.cassette.jsonl");
      await using server = await startLlmServer([
        toolCalls([{ name: "local__echo", arguments: { url: "https://app.example" } }]),
        answer("It is there."),
      ]);
      const config = (url: string, command: string) => ({
        llm: { active: "test", providers: { test: { base_url: url, model: "m1", api_key: key } } },
        mcpServers: { local: { command, args: ["tests/support/mcp-server.mjs", "{}"] } },
      });
      const session = { prompts: ["Open https://app.example"], home: folder.path };
      await taped({ path, mode: "record" }, { ...session, env: there, config: config(server.url, process.execPath) });
      const played = await taped(
        { path, mode: "replay", strict: true },
        { ...session, env: here, config: config("http://127.0.0.1:1/v1", "/nowhere/at-all") },
      );
      expect([played.misses, played.problems]).toEqual([[], []]);
    },
  );
});

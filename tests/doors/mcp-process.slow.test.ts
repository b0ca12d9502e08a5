import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterAll, expect, test } from "@jest/globals";
import { isJSONRPCRequest, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { mutated, randomFrom } from "../support/fuzz.js";
import { startLlmServer } from "../support/llm-server.js";
import { mcpMessages } from "../support/mcp-door.js";
import { until } from "../support/mcp-hub.js";

const workplace = new Workplace();
afterAll(() => workplace[Symbol.dispose]());

/** Returns the id of a request; undefined if the line expects no answer. */
function idOf(line: string): unknown {
  try {
    const message: unknown = JSON.parse(line);
    return isJSONRPCRequest(message) ? message.id : undefined;
  } catch {
    return undefined;
  }
}

/** Returns whether the host refuses the line: it is not a message, and not like an answer, which gets no reply. */
function isRefused(line: string): boolean {
  if (line.trim() === "") return false;
  try {
    const value: unknown = JSON.parse(line);
    if (JSONRPCMessageSchema.safeParse(value).success) return false;
    return !(typeof value === "object" && value !== null && ("error" in value || "result" in value));
  } catch {
    return true;
  }
}

test("10,000 hostile lines on stdin: each request has an answer, each invalid message an error, and the process reads on", async () => {
  await using llm = await startLlmServer([]);
  const mcp = { serve: { chat: false, tools: ["s.echo"], resources: true, prompts: true, plain_names: true } };
  workplace.configure(configFor(llm.url, { s: fixtureServer() }, { mcp }));
  const child = workplace.start("mcp", "--yes");
  const end = ended(child);
  const answers: { id?: unknown; method?: string; result?: unknown }[] = [];
  createInterface({ input: child.stdout as Readable }).on("line", (line) => answers.push(JSON.parse(line)));
  // A cancelled request gets no answer.
  const [initialize, ...others] = mcpMessages.filter(
    (message) => !("method" in message && message.method === "notifications/cancelled"),
  );
  const random = randomFrom(20261125);
  const lines = Array.from({ length: 10_000 }, (_, index) => {
    const message = { ...(others[index % others.length] ?? {}), ...(index % 2 ? { id: `r${index}` } : {}) };
    return mutated(message, random).replaceAll(/[\r\n]/g, " ");
  });
  const write = async (line: string) => {
    if (!child.stdin?.write(`${line}\n`)) await once(child.stdin as never, "drain");
  };
  await write(JSON.stringify(initialize));
  for (const line of lines) await write(line);
  await write(JSON.stringify({ jsonrpc: "2.0", id: "last", method: "tools/list", params: {} }));
  const asked = [1, ...lines.map(idOf).filter((id) => id !== undefined), "last"];
  expect(asked.length).toBeGreaterThan(1000);
  const responses = () => answers.filter(({ method, id }) => method === undefined && id !== null);
  await until(() => responses().length >= asked.length);
  child.stdin?.end();
  expect((await end).exitCode).toBe(0);
  const sorted = (ids: unknown[]) => ids.map((id) => JSON.stringify(id)).sort();
  expect(sorted(responses().map(({ id }) => id))).toEqual(sorted(asked));
  expect(answers.filter(({ id }) => id === null)).toHaveLength(lines.filter(isRefused).length);
  expect(answers.find(({ id }) => id === "last")).toMatchObject({ result: { tools: [{ name: "echo" }] } });
});

test("a line that is invalid or too long gets an error, and the next one is answered", async () => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const lines = ["{", "[]", '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"of an answer"}}', " "];
  const tooLong = `"${"x".repeat(17 * 1024 * 1024)}"`;
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const { exitCode, stdout } = await place.run(["mcp"], [...lines, tooLong, ping, ""].join("\n"));
  expect(exitCode).toBe(0);
  const answers = stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
    [null, -32700],
    [null, -32600],
    [null, -32700],
    [1, undefined],
  ]);
});

import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterAll, expect, test } from "@jest/globals";
import { isJSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { mutated, randomFrom } from "../support/fuzz.js";
import { startLlmServer } from "../support/llm-server.js";
import { mcpMessages } from "../support/mcp-door.js";
import { until } from "../support/mcp-hub.js";

const workplace = new Workplace();
afterAll(() => workplace[Symbol.dispose]());

/** The id of a request; undefined for what has no answer. */
function idOf(line: string): unknown {
  try {
    const message: unknown = JSON.parse(line);
    return isJSONRPCRequest(message) ? message.id : undefined;
  } catch {
    return undefined;
  }
}

test("10,000 hostile lines on stdin: what asks for an answer has one, nothing else has any, and the process reads on", async () => {
  await using llm = await startLlmServer([]);
  const mcp = { serve: { chat: false, tools: ["s.echo"], resources: true, prompts: true, plain_names: true } };
  workplace.configure(configFor(llm.url, { s: fixtureServer() }, { mcp }));
  const child = workplace.start("mcp", "--yes");
  const end = ended(child);
  const answers: { id?: unknown; method?: string; result?: unknown }[] = [];
  createInterface({ input: child.stdout as Readable }).on("line", (line) => answers.push(JSON.parse(line)));
  // A request that is cancelled has no answer.
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
  const responses = () => answers.filter(({ method }) => method === undefined);
  await until(() => responses().length >= asked.length);
  child.stdin?.end();
  expect((await end).exitCode).toBe(0);
  const sorted = (ids: unknown[]) => ids.map((id) => JSON.stringify(id)).sort();
  expect(sorted(responses().map(({ id }) => id))).toEqual(sorted(asked));
  expect(answers.find(({ id }) => id === "last")).toMatchObject({ result: { tools: [{ name: "echo" }] } });
});

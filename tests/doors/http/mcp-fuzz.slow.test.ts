import "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { expect, test } from "@jest/globals";
import { fixtureServer, startApp } from "../../support/app.js";
import { inputsPerDoor, mutated, randomFrom } from "../../support/fuzz.js";
import { answer, startLlmServer } from "../../support/llm-server.js";
import { mcpMessages } from "../../support/mcp-door.js";
import { openDoor, post } from "./door.js";

const accept = "application/json, text/event-stream";
const secret = "48151623";

test(`${inputsPerDoor} hostile bodies on /mcp have one answer each, which is an error or MCP, and nothing of another session`, async () => {
  await using llm = await startLlmServer(() => answer(secret));
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  const serve = { chat: true, tools: ["s.echo"], resources: true, prompts: true, plainNames: true };
  await using door = await openDoor(app, { requestsPerMinute: 10_000_000, mcp: { serve } });
  const [initialize, ...others] = mcpMessages;
  const send = (body: unknown, headers: Record<string, string> = {}) =>
    post(`${door.url}/mcp`, body, { "content-type": "application/json", accept, ...headers });
  const begin = async () => {
    const begun = await send(initialize);
    await begun.text();
    return { "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
  };
  const own = await begin();
  const call = { name: "chat", arguments: { prompt: "hi" } };
  const chatted = await send({ jsonrpc: "2.0", id: "mine", method: "tools/call", params: call }, own);
  expect(await chatted.text()).toContain(secret);

  const hostile = await begin();
  const random = randomFrom(20261125);
  const odder = Array.from({ length: inputsPerDoor }, (_, index) => {
    const isInside = random(10) > 0;
    const message = others[index % others.length] ?? initialize;
    return { headers: isInside ? hostile : {}, text: mutated(isInside ? message : initialize, random) };
  });
  const statuses = new Map<number, number>();
  const wrong: object[] = [];
  const work = async () => {
    for (let next = odder.pop(); next; next = odder.pop()) {
      const response = await send(next.text, next.headers);
      const text = await response.text();
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      const isError = response.status >= 400 && typeof JSON.parse(text).error?.message === "string";
      if (text.includes(secret) || response.status >= 500 || (response.status >= 400 && !isError)) {
        wrong.push({ ...next, status: response.status, answered: text });
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  expect(wrong.slice(0, 3)).toEqual([]);
  expect(statuses.get(400)).toBeGreaterThan(0.3 * inputsPerDoor);
  const listed = await send({ jsonrpc: "2.0", id: "last", method: "tools/list" }, own);
  expect(await listed.text()).toContain('"echo"');
}, 900_000); // long, because a busy machine has the same work to do

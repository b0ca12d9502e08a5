/** Answers that the provider breaks off: a caller that gets the whole answer at once does not notice, and no turn goes on in secret. */
import { expect, test } from "@jest/globals";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, chunk, cutStream, startLlmServer, stream, toolCalls } from "../../support/llm-server.js";
import { recording, until } from "../../support/mcp-hub.js";
import { openDoor, post } from "./door.js";

const messages = [{ role: "user", content: "hi" }];
const calls: Record<string, object> = {
  "chat/completions": { model: "mcp-platform", messages },
  responses: { model: "mcp-platform", input: "hi" },
  messages: { model: "mcp-platform", messages, max_tokens: 100 },
};
const broken = stream([chunk({ content: "half" }), cutStream]);

test.each(Object.keys(calls))(
  "an answer of %s that is sent whole is asked for again if it breaks off",
  async (path) => {
    await using llm = await startLlmServer([
      toolCalls([{ name: "s__echo", arguments: {} }]),
      broken,
      answer("the whole"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    const response = await post(`${door.url}/v1/${path}`, calls[path]);
    const text = await response.text();
    expect([response.status, text.includes("the whole"), text.includes("half")]).toEqual([200, true, false]);
    expect(llm.requests).toHaveLength(3);
  },
);

test.each(Object.keys(calls))("a stream of %s that breaks off is an error, and its turn is cancelled", async (path) => {
  using record = recording();
  let requests = 0;
  await using llm = await startLlmServer(() =>
    requests++ === 0 ? broken : toolCalls([{ name: "s__echo", arguments: {} }]),
  );
  const servers = { s: fixtureServer({ record: record.path }) };
  await using app = await startApp({ llm: llm.url, mcpServers: servers, streamRecovery: "restart" });
  await using door = await openDoor(app);
  const response = await post(`${door.url}/v1/${path}`, { ...calls[path], stream: true });
  const text = await response.text();
  expect(text).toContain("half");
  expect(text).toMatch(/broke off.*its turn was cancelled/);
  const [conversation] = (await app.sessions.conversations.list({ most: 9, includesHidden: true })).conversations;
  const id = conversation?.conversationId ?? "";
  await until(() => !app.sessions.find(id));
  expect((await app.sessions.history(id)).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
  expect(record.lines().filter((line) => line.includes("echo"))).toEqual([]);
});

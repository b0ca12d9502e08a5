import { expect, test } from "@jest/globals";
import { startApp } from "../../support/app.js";
import { stall, startLlmServer, stream } from "../../support/llm-server.js";
import { openDoor, post } from "./door.js";

const json = { "content-type": "application/json" };

test("a host that has all turns it accepts asks callers to come again, and stores nothing of their calls", async () => {
  await using llm = await startLlmServer(() => stream([stall]));
  await using app = await startApp({ llm: llm.url, config: { chat: { service: { max_turns: 1 } } } });
  await using door = await openDoor(app);
  const turn = await app.sessions.open("running").submit({ requestId: "r", text: "hello" });
  const messages = [{ role: "user", content: "hello" }];
  const calls = {
    "/v1/chat/completions": { model: "m1", messages },
    "/v1/responses": { model: "m1", input: "hello" },
    "/v1/messages": { model: "m1", max_tokens: 10, messages },
  };
  const shed = Object.entries(calls).map(async ([path, body]) => {
    const response = await post(`${door.url}${path}`, body, { ...json, authorization: `Bearer ${door.token}` });
    const retry = ["retry-after", "x-should-retry"].map((name) => response.headers.get(name));
    return [path, response.status, ...retry, JSON.stringify(await response.json())];
  });
  expect(await Promise.all(shed)).toEqual([
    ["/v1/chat/completions", 503, "5", "true", expect.stringContaining("server_is_overloaded")],
    ["/v1/responses", 503, "5", "true", expect.stringContaining("server_is_overloaded")],
    ["/v1/messages", 529, "5", "true", expect.stringContaining("overloaded_error")],
  ]);
  const { conversations } = await app.sessions.list({ most: 10, includesHidden: true });
  expect(conversations.map(({ conversationId }) => conversationId)).toEqual(["running"]);
  turn.cancel();
});

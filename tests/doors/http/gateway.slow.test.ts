import { expect } from "@jest/globals";
import { fixtureServer, startApp } from "../../support/app.js";
import { gatewayTests } from "../../support/gateway.js";
import { answer, startLlmServer } from "../../support/llm-server.js";
import { sayAndCall } from "../support.js";
import { openDoor, post } from "./door.js";

/** A third-party gateway is the client of the door: it treats the host as one more provider with OpenAI's API. */

const throughGateway = gatewayTests();

const question = { model: "mcp-platform", messages: [{ role: "user", content: "hi" }] };

throughGateway("an answer comes whole and as a stream, after the servers' tools have run here", async ({ url, to }) => {
  const turn = [sayAndCall("Let me see.", "s__echo", { n: 1 }), answer("one two")];
  await using llm = await startLlmServer([...turn, ...turn]);
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  await using door = await openDoor(app);
  const { headers } = to(`${door.url}/v1`);
  const json = { "content-type": "application/json", ...headers };
  const whole = await post(`${url}/chat/completions`, question, json);
  expect([whole.status, await whole.json()]).toMatchObject([
    200,
    {
      choices: [{ message: { content: "Let me see.\n\none two" }, finish_reason: "stop" }],
      usage: { total_tokens: 15, turn: { total_tokens: 30 } },
    },
  ]);
  const streamed = await post(`${url}/chat/completions`, { ...question, stream: true }, json);
  const lines = (await streamed.text()).split("\n").filter((line) => line.startsWith("data: {"));
  const deltas = lines.flatMap((line) => JSON.parse(line.slice(6)).choices.map(({ delta }: never) => delta));
  expect(deltas.map(({ content = "" }: { content?: string }) => content).join("")).toBe("Let me see.\n\none two");
});

throughGateway("an error keeps its status and says what is wrong", async ({ url, to }) => {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  const json = { "content-type": "application/json", ...to(`${door.url}/v1`).headers };
  const refused = await post(`${url}/chat/completions`, { ...question, messages: [] }, json);
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("messages")]);
});

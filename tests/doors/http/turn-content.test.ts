import { expect, test } from "@jest/globals";
import { startApp } from "../../support/app.js";
import { answer, startLlmServer } from "../../support/llm-server.js";
import { openDoor, post } from "./door.js";
import { connect } from "./socket.js";

const png = Buffer.from("\x89PNG\r\n\x1a\n0000", "latin1").toString("base64");
const picture = { type: "image", data: png, mime_type: "image/png" };
const content = [{ type: "text", text: "Look" }, picture];

interface Stored {
  messages: { chunk: { type: string; data: unknown; metadata: Record<string, unknown> } }[];
}

async function userMessages(url: string) {
  const { messages } = (await (await fetch(url)).json()) as Stored;
  return messages.flatMap(({ chunk }) => (chunk.type === "user_message" ? [chunk] : []));
}

test("a turn takes parts and options of its answers, over HTTP and over a WebSocket", async () => {
  await using llm = await startLlmServer([answer("one"), answer("two")]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  await using socket = await connect(door);
  const url = `${door.url}/api/sessions/c1`;
  const options = { temperature: 0.25, effort: "low", system: "Be brief.", without_tools: ["fs__*"] };
  const asked = { request_id: "r1", content, ...options };
  expect((await post(`${url}/turns`, asked)).status).toBe(202);
  socket.send({ action: "chat", request_id: "r2", conversation_id: "c1", payload: { content, ...options } });
  await socket.until(({ status }) => status === "complete");
  for (const { body } of llm.requests) {
    const [system, user] = body.messages as { content: unknown }[];
    expect(system?.content).toMatch(/^Be brief\./);
    expect(JSON.stringify(user)).toContain(`data:image/png;base64,${png}`);
    expect(body).toMatchObject({ temperature: 0.25, reasoning: { effort: "low" } });
  }
  expect(llm.requests).toHaveLength(2);
  const [first, second] = await userMessages(url);
  expect(first).toMatchObject({ data: "Look", metadata: { request_id: "r1", content } });
  expect(second).toMatchObject({ data: "Look", metadata: { request_id: "r2", content } });
});

test("a request id with other content is refused, and with the same content it is the same turn", async () => {
  await using llm = await startLlmServer([answer("one")]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  const url = `${door.url}/api/sessions/c1/turns`;
  const first = (await (await post(url, { request_id: "r1", content })).json()) as { turn_id: string };
  expect(await (await post(url, { request_id: "r1", content })).json()).toMatchObject({ turn_id: first.turn_id });
  expect((await post(url, { request_id: "r1", text: "Look" })).status).toBe(409);
  expect((await post(url, { request_id: "r1", content: [picture] })).status).toBe(409);
});

test("content that the model does not take is refused before anything is stored", async () => {
  await using llm = await startLlmServer([]);
  const provider = { base_url: llm.url, model: "m1", quirks: { images: false } };
  await using app = await startApp({
    llm: llm.url,
    config: { llm: { active: "test", providers: { test: provider } } },
  });
  await using door = await openDoor(app);
  const url = `${door.url}/api/sessions/c1`;
  const refused = await post(`${url}/turns`, { request_id: "r1", content });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    error: { message: expect.stringContaining("test/m1 takes no pictures") },
  });
  await using socket = await connect(door);
  socket.send({ action: "chat", request_id: "r2", conversation_id: "c1", payload: { content } });
  const { chunk } = await socket.until(({ status }) => status === "error");
  expect(chunk).toMatchObject({ kind: "usage", error: expect.stringContaining("takes no pictures") });
  for (const body of [
    {},
    { text: "a", content },
    { content: [] },
    { content: [{ type: "image" }] },
    { text: "a", effort: "huge" },
  ]) {
    expect((await post(`${url}/turns`, { request_id: "r3", ...body })).status).toBe(400);
  }
  expect((await fetch(url)).status).toBe(404);
});

import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { type LlmServer, startLlmServer } from "../../support/llm-server.js";
import { openDoor, post } from "./door.js";

let llm: LlmServer;
let app: App;
let door: Awaited<ReturnType<typeof openDoor>>;

const offers = {
  prompts: [{ name: "greet", description: "greets", arguments: [{ name: "who", required: true }] }],
  resources: [{ uri: "file:///notes.txt", name: "notes" }],
};

beforeAll(async () => {
  llm = await startLlmServer([]);
  const config = { chat: { service: { approval: "ask", permissions: { deny: ["s.hang"] } } } };
  app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer(offers) }, config });
  door = await openDoor(app);
  await app.ready();
});

afterAll(async () => {
  door.close();
  await app.close();
  await llm[Symbol.asyncDispose]();
});

const call = async (path: string, body: unknown = {}) => {
  const response = await post(`${door.url}/api/${path}`, body);
  return { status: response.status, ...((await response.json()) as object) };
};
const list = async (path: string) => (await fetch(`${door.url}/api/${path}`)).json();

test("a person runs a tool without a question, and gets its result with its time", async () => {
  const answer = await call("tools/s__echo/call", { arguments: { text: "hi" } });
  expect(answer).toEqual({
    status: 200,
    is_error: false,
    content: [{ type: "text", text: expect.stringContaining("hi") }],
    duration_ms: expect.any(Number),
  });
});

test("a call of a denied tool or of no tool is refused", async () => {
  const denied = await call("tools/s__hang/call");
  expect(denied).toMatchObject({ is_error: true, content: [{ text: expect.stringContaining("not run") }] });
  expect(await call("tools/s__none/call")).toMatchObject({ status: 404 });
});

test("prompts and resources are listed, applied and read", async () => {
  expect(await list("prompts")).toMatchObject({ prompts: [{ name: "s__greet", server: "s" }] });
  expect(await list("resources")).toMatchObject({
    resources: [{ uri: "file:///notes.txt", server: "s" }],
    templates: [],
  });
  for (const name of ["greet", "s__greet"])
    expect(await call(`prompts/s/${name}`, { arguments: { who: "you" } })).toMatchObject({
      status: 200,
      content: [{ type: "text", text: expect.any(String) }],
    });
  expect(await call("prompts/s/none")).toMatchObject({ status: 404 });
  expect(await call("resources/read", { uri: "file:///notes.txt" })).toMatchObject({ status: 200, content: [{}] });
});

test("arguments are completed by the server that has the prompt", async () => {
  expect(await call("complete", { prompt: "s__greet", argument: "who", value: "y" })).toMatchObject({ status: 200 });
  expect(await call("complete", { argument: "who" })).toMatchObject({ status: 400 });
});

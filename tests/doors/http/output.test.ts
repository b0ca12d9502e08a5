import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, failure, type LlmServer, type Step, startLlmServer } from "../../support/llm-server.js";
import { sayAndCall } from "../support.js";
import { openDoor, post, sdk } from "./door.js";

const steps: Step[] = [];
let llm: LlmServer;
let app: App;
let door: HttpDoor & AsyncDisposable;

beforeAll(async () => {
  llm = await startLlmServer(() => steps.shift() ?? failure(400));
  app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  door = await openDoor(app);
});
afterEach(() => expect(steps.splice(0)).toEqual([]));
afterAll(async () => {
  door.close();
  await app[Symbol.asyncDispose]();
  await llm[Symbol.asyncDispose]();
});

const schema = { type: "object", required: ["title"], properties: { title: { type: "string" } } };
const good = '{"title":"a bug"}';

/** How each door asks for an answer that matches a schema, and returns its text. */
const doors = [
  {
    path: "/v1/chat/completions",
    call: (of: object) => ({
      messages: [{ role: "user", content: "hi" }],
      response_format: { type: "json_schema", json_schema: { name: "bug", schema: of } },
    }),
    param: "response_format",
    text: ({ choices }: Told) => choices?.[0]?.message.content,
  },
  {
    path: "/v1/responses",
    call: (of: object) => ({ input: "hi", text: { format: { type: "json_schema", name: "bug", schema: of } } }),
    param: "text.format",
    text: ({ output = [] }: Told) =>
      output.flatMap(({ type, content }) => (type === "message" ? content.map(({ text }) => text) : [])).join(""),
  },
  {
    path: "/v1/messages",
    call: (of: object) => ({
      max_tokens: 100,
      messages: [{ role: "user", content: "hi" }],
      output_config: { format: { type: "json_schema", schema: of } },
    }),
    param: "output_config.format",
    text: ({ content = [] }: Told) => content.flatMap(({ type, text }) => (type === "text" ? [text] : [])).join(""),
  },
] as const;

interface Told {
  choices?: { message: { content: string } }[];
  output?: { type: string; content: { text: string }[] }[];
  content?: { type: string; text: string }[];
  text?: object;
  error?: { message: string; code?: string; type: string };
}

describe.each(doors)("$path", ({ path, call, param, text }) => {
  const ask = async (body: object) => {
    const response = await post(`${door.url}${path}`, body);
    return { status: response.status, told: (await response.json()) as Told };
  };

  test("gives the JSON alone, after tools and after an answer that does not fit", async () => {
    steps.push(sayAndCall("Let me see.", "s__echo", { n: 1 }), answer('{"title":7}'), answer(good));
    const { status, told } = await ask(call(schema));
    expect(status).toBe(200);
    expect(text(told)).toBe(good);
    if (path === "/v1/responses") expect(told.text).toMatchObject({ format: { type: "json_schema", schema } });
    expect(llm.requests.at(-1)?.body.response_format).toMatchObject({ type: "json_schema", json_schema: { schema } });
  });

  test("names the path that is wrong if no answer fits", async () => {
    steps.push(answer("{}"), answer('{"title":7}'));
    const { status, told } = await ask(call(schema));
    expect(status).toBe(502);
    expect(told.error?.message).toContain("$.title must be string");
  });

  test("refuses a schema that cannot be used", async () => {
    const { status, told } = await ask(call({ type: "objekt" }));
    expect(status).toBe(400);
    expect(told.error?.message).toContain(`${param}: the schema cannot be used`);
  });
});

/** Returns the texts of the messages in the last request to the model. */
const lastTexts = () => llm.requests.at(-1)?.body.messages?.map(({ content }) => content) ?? [];

test("a caller that brings its history has the schema in the system prompt, so that its next request extends this one", async () => {
  steps.push(answer(good), answer(good));
  const { messages, ...more } = doors[0].call(schema);
  const ask = (all: object[]) => post(`${door.url}/v1/chat/completions`, { ...more, messages: all });
  await ask(messages);
  const first = lastTexts();
  expect(first).toEqual([expect.stringContaining(JSON.stringify(schema)), "hi"]);
  await ask([...messages, { role: "assistant", content: good }, { role: "user", content: "and?" }]);
  expect(lastTexts()).toEqual([...first, good, "and?"]);
});

test("a conversation of the host has the schema behind the message, and the next call need not have one", async () => {
  steps.push(answer(good), answer("fine"));
  const told = (await (await post(`${door.url}/v1/responses`, doors[1].call(schema))).json()) as { id: string };
  expect(told).toMatchObject({ id: expect.stringMatching(/./), status: "completed" });
  const first = lastTexts();
  expect(first).toEqual([expect.not.stringContaining("JSON Schema"), expect.stringMatching(/^hi\n.*JSON Schema/)]);
  await post(`${door.url}/v1/responses`, { input: "and?", previous_response_id: told.id });
  expect(lastTexts()).toEqual([...first, good, "and?"]);
});

test("the openai SDK parses a stream of it", async () => {
  steps.push(answer(good));
  const { messages, response_format } = doors[0].call(schema);
  const stream = sdk(door).chat.completions.stream({ model: "mcp-platform", messages, response_format } as never);
  expect(await stream.finalContent()).toBe(good);
});

test("json_object accepts any JSON object", async () => {
  steps.push(answer("[]"), answer('{"a":1}'));
  const body = { messages: [{ role: "user", content: "as JSON" }], response_format: { type: "json_object" } };
  const response = await post(`${door.url}/v1/chat/completions`, body);
  expect(((await response.json()) as Told).choices?.[0]?.message.content).toBe('{"a":1}');
});

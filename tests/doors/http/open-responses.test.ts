import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { startApp } from "../../support/app.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  type LlmServer,
  type Step,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { openDoor, post } from "./door.js";
import { eventProblems, responseProblems } from "./open-responses.js";

const steps: Step[] = [];
let llm: LlmServer;
let app: App;
let door: HttpDoor & AsyncDisposable;

beforeAll(async () => {
  llm = await startLlmServer(() => steps.shift() ?? failure(400));
  app = await startApp({ llm: llm.url });
  door = await openDoor(app);
});

afterAll(async () => {
  door.close();
  await app[Symbol.asyncDispose]();
  await llm[Symbol.asyncDispose]();
});

type Shown = Record<string, unknown> & { id: string; status: string; output: { type: string }[] };
type Event = { type: string; response?: Shown; item?: { type: string } };

const user = (content: unknown) => ({ type: "message", role: "user", content });
const weather = {
  type: "function",
  name: "get_weather",
  description: "Get the current weather for a location",
  parameters: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
};
const calls = () => toolCalls([{ name: "get_weather", arguments: { location: "San Francisco, CA" } }]);

async function create(body: object): Promise<Shown> {
  return (await (await post(`${door.url}/v1/responses`, body)).json()) as Shown;
}

/** Returns the events as Open Responses frames them: the name of an event is its type, and `[DONE]` is not an event. */
async function streamed(body: object): Promise<Event[]> {
  const text = await (await post(`${door.url}/v1/responses`, { ...body, stream: true })).text();
  return text.split("\n\n").flatMap((lines) => {
    const [, name, data] = /^event: (\S+)\ndata: (.*)$/.exec(lines) ?? [];
    if (data === undefined) return [];
    const event = JSON.parse(data) as Event;
    expect(event.type).toBe(name);
    return [event];
  });
}

const pixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";

describe("the compliance checks of Open Responses", () => {
  test.each<[name: string, body: object, step: () => Step, output: string]>([
    ["a text", { input: [user("Say hello in exactly 3 words.")] }, () => answer("Hello dear friend"), "message"],
    [
      "a system prompt",
      { input: [{ type: "message", role: "system", content: "You are a pirate." }, user("Say hello.")] },
      () => answer("Ahoy"),
      "message",
    ],
    ["a tool", { input: [user("What's the weather like?")], tools: [weather] }, calls, "function_call"],
    [
      "a picture",
      {
        input: [
          user([
            { type: "input_text", text: "What is it?" },
            { type: "input_image", image_url: pixel },
          ]),
        ],
      },
      () => answer("A dot"),
      "message",
    ],
    [
      "several turns",
      {
        input: [
          user("My name is Alice."),
          { type: "message", role: "assistant", content: "Hello Alice!" },
          user("What is my name?"),
        ],
      },
      () => answer("Alice"),
      "message",
    ],
  ])("%s, whole and streamed", async (_, body, step, output) => {
    steps.push(step(), step());
    const response = await create({ model: "m1", ...body });
    expect(responseProblems(response)).toEqual([]);
    expect(response).toMatchObject({
      status: "completed",
      completed_at: expect.any(Number),
      output: [{ type: output }],
    });
    const events = await streamed({ model: "m1", ...body });
    expect(eventProblems(events)).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { status: "completed" } });
    const types = events.map(({ type, item }) => (item ? `${type} ${item.type}` : type));
    const [added, done] = [`response.output_item.added ${output}`, `response.output_item.done ${output}`];
    expect(types).toEqual(expect.arrayContaining([added, done]));
    if (output === "message") return;
    const ofCalls = "response.function_call_arguments";
    expect(types).toEqual(expect.arrayContaining([`${ofCalls}.delta`, `${ofCalls}.done`]));
  });

  test("failures and answers that were cut are as it has them too", async () => {
    steps.push(answer("one two", { finishReason: "length" }));
    const cut = await streamed({ model: "m1", input: "hi" });
    expect(eventProblems(cut)).toEqual([]);
    expect(cut.at(-1)).toMatchObject({ response: { status: "incomplete", completed_at: null } });
    steps.push(stream([chunk({ content: "half" }), cutStream]));
    const failed = await streamed({ model: "m1", input: "hi" });
    expect(eventProblems(failed)).toEqual([]);
    expect(failed.at(-1)).toMatchObject({ type: "response.failed", response: { status: "failed" } });
  });
});

test.each(["created", "read back"])("a response that is %s says what was asked", async (when) => {
  steps.push(answer("one"), calls());
  const first = await create({ model: "m1", input: "hi" });
  const asked = {
    instructions: "Be brief.",
    previous_response_id: first.id,
    tool_choice: { type: "function", name: "get_weather" },
    parallel_tool_calls: false,
    store: false,
    temperature: 0.3,
    max_output_tokens: 17,
    metadata: { of: "me" },
    prompt_cache_key: "k",
    safety_identifier: "s",
    tools: [{ ...weather, strict: null }],
  };
  const created = await create({ model: "m1", input: "hi", ...asked });
  const url = `${door.url}/v1/responses/${created.id}`;
  const shown = when === "created" ? created : ((await (await fetch(url)).json()) as Shown);
  expect(shown).toMatchObject(asked);
  expect(responseProblems(shown)).toEqual([]);
  expect(shown.output).toEqual(created.output);
});

test("a response that is read back has the calls of the caller's tools as they were given", async () => {
  steps.push(
    toolCalls([
      { name: "edit", arguments: { input: "x" } },
      { name: "mail__send", arguments: {}, id: "call_2" },
    ]),
  );
  const tools = [
    { type: "custom", name: "edit" },
    { type: "namespace", name: "mail", tools: [{ type: "function", name: "send" }] },
  ];
  const created = await create({ input: "hi", tools });
  expect(created.output).toMatchObject([{ type: "custom_tool_call" }, { type: "function_call", namespace: "mail" }]);
  const read = (await (await fetch(`${door.url}/v1/responses/${created.id}`)).json()) as Shown;
  expect(read).toEqual(created);
});

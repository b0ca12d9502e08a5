import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type OpenAI from "openai";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, failure, type LlmServer, type Step, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { openDoor, sdk } from "./door.js";

const steps: Step[] = [];
let llm: LlmServer;
let app: App;
let door: HttpDoor;
let client: OpenAI;

beforeAll(async () => {
  llm = await startLlmServer(() => steps.shift() ?? failure(400));
  app = await startApp({
    llm: llm.url,
    mcpServers: { s: fixtureServer() },
    config: { serve: { plain_models: ["test/titles"] } },
  });
  door = await openDoor(app);
  client = sdk(door);
});

afterEach(() => expect(steps.splice(0)).toEqual([]));
afterAll(async () => {
  door.close();
  await app[Symbol.asyncDispose]();
  await llm[Symbol.asyncDispose]();
});

const messages = [{ role: "user" as const, content: "hi" }];
const weather = { type: "function" as const, function: { name: "weather", parameters: { type: "object" } } };
const counted = (prompt_tokens: number, completion_tokens: number) => ({
  usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
});
const twoHops = () =>
  steps.push(toolCalls([{ name: "s__echo", arguments: {} }], counted(100, 7)), answer("done", counted(130, 20)));

describe("the usage of a turn with several requests is the last one's, with the sum beside it", () => {
  const last = { prompt_tokens: 130, completion_tokens: 20, total_tokens: 150 };
  const turn = { prompt_tokens: 230, completion_tokens: 27, total_tokens: 257 };

  test("of a chat completion", async () => {
    twoHops();
    expect((await client.chat.completions.create({ model: "m1", messages })).usage).toEqual({ ...last, turn });
  });

  test("of a streamed one", async () => {
    twoHops();
    const body = { model: "m1", messages, stream: true as const, stream_options: { include_usage: true } };
    const usages = [];
    for await (const { usage } of await client.chat.completions.create(body)) if (usage) usages.push(usage);
    expect(usages).toEqual([{ ...last, turn }]);
  });

  test("of a response", async () => {
    twoHops();
    expect((await client.responses.create({ model: "m1", input: "hi" })).usage).toMatchObject({
      input_tokens: 130,
      output_tokens: 20,
      total_tokens: 150,
      turn: { input_tokens: 230, output_tokens: 27, total_tokens: 257 },
    });
  });
});

describe("a model without the servers' tools", () => {
  test.each([
    ["mcp-platform/plain", "m1"],
    ["test/titles", "titles"],
  ])("%s is offered the caller's alone", async (model, asked) => {
    steps.push(answer("fine"), answer("fine"), answer("fine"));
    const before = llm.requests.length;
    await client.chat.completions.create({ model, messages, tools: [weather] });
    await client.chat.completions.create({ model, messages });
    await client.responses.create({ model, input: "hi" });
    const offered = llm.requests.slice(before).map(({ body }) => body.tools?.map(({ function: { name } }) => name));
    expect(offered).toEqual([["weather"], undefined, undefined]);
    expect(llm.requests.at(-1)?.body.model).toBe(asked);
  });

  test("is listed, where callers look for models", async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(["mcp-platform", "mcp-platform/plain", "test/m1", "test/titles"]);
  });
});

describe("lists of conversations", () => {
  const listed = async () =>
    (await app.sessions.list({ most: 100 })).conversations.map(({ conversationId }) => conversationId);
  const idOf = ({ response }: { response: Response }) => response.headers.get("x-conversation-id") ?? "";

  test("leave out calls that name no conversation, and the responses that continue them; the log keeps both", async () => {
    steps.push(...Array.from({ length: 7 }, () => answer("fine")));
    const before = await listed();
    const history = [...messages, { role: "assistant" as const, content: "ho" }, ...messages];
    const calls = [
      await client.chat.completions.create({ model: "m1", messages }).withResponse(),
      await client.chat.completions
        .create({ model: "m1", messages }, { headers: { "x-request-id": "once" } })
        .withResponse(),
      await client.responses.create({ model: "m1", input: "hi", store: false }).withResponse(),
      await client.responses.create({ model: "m1", input: history }).withResponse(),
      await client.responses.create({ model: "m1", input: "hi" }).withResponse(),
    ];
    for (const call of calls) expect(await app.sessions.history(idOf(call))).toHaveLength(3);
    const previousResponseId = calls.flatMap(({ data }) => ("output_text" in data ? [data.id] : [])).at(-1);
    for (const input of ["goes on", "goes on in a copy"]) {
      calls.push(
        await client.responses.create({ model: "m1", input, previous_response_id: previousResponseId }).withResponse(),
      );
    }
    expect(await listed()).toEqual(before);
    const all = (await app.sessions.conversations.list({ most: 100, includesHidden: true })).conversations.map(
      ({ conversationId }) => conversationId,
    );
    expect(all).toEqual(expect.arrayContaining(calls.map(idOf)));
    expect(
      (await app.sessions.conversations.list({ most: 100 })).conversations.map(({ conversationId }) => conversationId),
    ).toEqual(before);
  });

  test("have those that a caller has named", async () => {
    steps.push(answer("fine"), answer("fine"));
    await client.chat.completions.create({ model: "m1", messages }, { headers: { "x-conversation-id": "mine" } });
    await client.responses.create({ model: "m1", input: "hi", conversation: "yours" });
    expect(await listed()).toEqual(expect.arrayContaining(["mine", "yours"]));
  });
});

import { describe, expect, test } from "@jest/globals";
import type OpenAI from "openai";
import { fixtureServer, startApp } from "../../support/app.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  json,
  type LlmServer,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { recording, until } from "../../support/mcp-hub.js";
import { sayAndCall } from "../support.js";
import { openDoor, post, sdk } from "./door.js";

const ask = (content: string): OpenAI.ChatCompletionCreateParamsNonStreaming => ({
  model: "mcp-platform",
  messages: [{ role: "user", content }],
});
const weather = {
  type: "function" as const,
  function: { name: "weather", description: "of a city", parameters: { type: "object", properties: {} } },
};

describe("with the openai SDK", () => {
  test("the list of models has the default one, the model behind it, and the configured ones", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { models: () => ["test/m1", "test/m2"] });
    const { data } = await sdk(door).models.list();
    expect(data.map(({ id }) => id)).toEqual(["mcp-platform", "mcp-platform/plain", "test/m1", "test/m2"]);
  });

  test("each model that is listed is retrieved by its id, with its slashes as they are or encoded; no other is", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { models: () => ["test/m1", "router/maker/m:free"] });
    const { models } = sdk(door);
    const { data } = await models.list();
    expect(data).toContainEqual({ id: "router/maker/m:free", object: "model", created: 0, owned_by: "router" });
    for (const model of data) {
      expect(await models.retrieve(model.id)).toEqual(model);
      expect(await (await fetch(`${door.url}/v1/models/${model.id}`)).json()).toEqual(model);
    }
    for (const id of ["test/m2", "test", "router/maker", "test/m1/", "%E0", "__proto__"]) {
      const error = { type: "invalid_request_error", code: "model_not_found", param: "model" };
      await expect(models.retrieve(id)).rejects.toMatchObject({ status: 404, ...error });
    }
  });

  test("an answer comes whole, with its usage, after the servers' tools have run here", async () => {
    await using llm = await startLlmServer([sayAndCall("Let me see.", "s__echo", { n: 1 }), answer("one two")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    const { data, response } = await sdk(door).chat.completions.create(ask("hi")).withResponse();
    expect(data).toMatchObject({
      object: "chat.completion",
      model: "test/m1",
      choices: [{ message: { role: "assistant", content: "Let me see.\n\none two" }, finish_reason: "stop" }],
      usage: { total_tokens: 15, turn: { total_tokens: 30 } },
    });
    expect(data.choices[0]?.message.tool_calls).toBeUndefined();
    const stored = await app.sessions.history(response.headers.get("x-conversation-id") ?? "");
    expect(stored.map(({ type }) => type)).toContain("tool_result");
  });

  test("the pieces of a stream add up to the same answer", async () => {
    await using llm = await startLlmServer([sayAndCall("Let me see.", "s__echo", { n: 1 }), answer("one two")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    const chunks = await sdk(door).chat.completions.create({
      ...ask("hi"),
      stream: true,
      stream_options: { include_usage: true },
    });
    const all: OpenAI.ChatCompletionChunk[] = [];
    for await (const one of chunks) all.push(one);
    expect(all.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe("Let me see.\n\none two");
    expect(all.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual(["stop"]);
    expect(all.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 15 } });
  });

  test("the messages of the call are the history, and the system message is the caller's", async () => {
    await using llm = await startLlmServer([answer("fine")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    await sdk(door).chat.completions.create({
      model: "m1",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "one" },
        { role: "assistant", content: "two" },
        {
          role: "user",
          content: [
            { type: "text", text: "three" },
            { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
          ],
        },
      ],
      temperature: 0.3,
      max_tokens: 17,
    });
    expect(llm.requests[0]?.body).toMatchObject({
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "one" },
        { role: "assistant", content: "two" },
        { role: "user", content: [{ text: "three" }, { image_url: { url: "data:image/png;base64,aGk=" } }] },
      ],
      temperature: 0.3,
      max_tokens: 17,
    });
  });

  test("a picture is passed on by its address", async () => {
    await using llm = await startLlmServer([answer("a cat"), answer("a cat")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const url = "https://example.test/cat.png";
    const asked = "What is it?";
    await sdk(door).chat.completions.create({
      model: "m1",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: asked },
            { type: "image_url", image_url: { url, detail: "low" } },
          ],
        },
      ],
    });
    await sdk(door).responses.create({
      model: "m1",
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: asked },
            { type: "input_image", image_url: url, detail: "auto" },
          ],
        },
      ],
    });
    const content = [
      { type: "text", text: asked },
      { type: "image_url", image_url: { url } },
    ];
    expect(llm.requests.map(({ body }) => body.messages?.at(-1)?.content)).toEqual([content, content]);
  });

  test.each([false, true])("calls of the caller's own tools go to the caller, streamed: %s", async (streaming) => {
    const both = toolCalls([
      { name: "s__echo", arguments: { n: 1 } },
      { name: "weather", arguments: { city: "Oslo" }, id: "call_9" },
    ]);
    await using llm = await startLlmServer([both, answer("cold")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    const client = sdk(door);
    const first = { ...ask("Oslo?"), tools: [weather] };
    const run = streaming
      ? await client.chat.completions.stream({ ...first, stream: true }).finalChatCompletion()
      : await client.chat.completions.create(first);
    const [choice] = run.choices;
    expect(choice).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ function: { name: "weather", arguments: '{"city":"Oslo"}' } }] },
    });
    expect(choice?.message.tool_calls).toHaveLength(1);
    const names = llm.requests[0]?.body.tools?.map(({ function: { name } }) => name);
    expect(names).toEqual(expect.arrayContaining(["s__echo", "weather"]));

    const { choices } = await client.chat.completions.create({
      ...first,
      messages: [
        ...first.messages,
        { role: "assistant", content: null, tool_calls: choice?.message.tool_calls },
        { role: "tool", tool_call_id: choice?.message.tool_calls?.[0]?.id ?? "", content: "-4 degrees" },
      ],
    });
    expect(choices[0]?.message.content).toBe("cold");
    // The request includes the call of the server's tool, which the caller never saw.
    const roles = llm.requests[1]?.body.messages?.map(({ role }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "tool", "tool"]);
  });

  test("a provider's failure is an error, and the SDK is told whether to try again", async () => {
    await using llm = await startLlmServer([failure(401), stream([chunk({ content: "half" }), cutStream])]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const client = sdk(door, { maxRetries: 2 });
    await expect(client.chat.completions.create(ask("hi"))).rejects.toMatchObject({
      status: 401,
      code: "invalid_api_key",
    });
    const chunks = await client.chat.completions.create({ ...ask("hi"), stream: true });
    let text = "";
    const reading = (async () => {
      for await (const { choices } of chunks) text += choices[0]?.delta.content ?? "";
    })();
    await expect(reading).rejects.toMatchObject({ code: "stream_interrupted" });
    expect(text).toBe("half");
    expect(llm.requests).toHaveLength(2);
  });

  test.each([false, true])(
    "a caller that leaves cancels the request to the provider, streamed: %s",
    async (streaming) => {
      await using llm = await startLlmServer([stream([chunk({ content: "begun" }), stall])]);
      await using app = await startApp({ llm: llm.url });
      await using door = await openDoor(app);
      const leaving = new AbortController();
      const call = { ...ask("hi"), stream: streaming };
      const running = (async () => {
        const result = await sdk(door).chat.completions.create(call, { signal: leaving.signal });
        if (Symbol.asyncIterator in result) for await (const _ of result) leaving.abort();
      })();
      if (!streaming) void llm.received(1).then(() => leaving.abort());
      await running.catch(() => {});
      await llm.aborted(1);
      const [conversation] = (await app.sessions.conversations.list({ most: 100, includesHidden: true })).conversations;
      const id = conversation?.conversationId ?? "";
      await until(() => !app.sessions.find(id));
      expect((await app.sessions.history(id)).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    },
  );

  test("a caller that leaves cancels the running tool", async () => {
    using record = recording();
    await using llm = await startLlmServer([toolCalls([{ name: "s__hang", arguments: {} }])]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ record: record.path }) } });
    await using door = await openDoor(app);
    const leaving = new AbortController();
    const running = sdk(door).chat.completions.create(ask("hi"), { signal: leaving.signal });
    await until(() => record.lines().some((line) => line.startsWith("hanging")));
    leaving.abort();
    await expect(running).rejects.toThrow();
    await until(() => record.lines().some((line) => line.startsWith("cancelled")));
  });
});

describe("durable calls", () => {
  const durable = { "x-conversation-id": "c1" };

  test("a named conversation continues from its log; another text under one of its request ids is a 409", async () => {
    await using llm = await startLlmServer([answer("first"), answer("second")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const client = sdk(door);
    const send = (text: string, requestId: string) =>
      client.chat.completions.create(ask(text), { headers: { ...durable, "x-request-id": requestId } });
    await send("one", "r1");
    await send("two", "r2");
    expect(llm.requests[1]?.body.messages?.map(({ content }) => content).slice(1)).toEqual(["one", "first", "two"]);
    await expect(send("three", "r2")).rejects.toMatchObject({ status: 409, code: "request_mismatch" });
  });

  test("calls with the same request id and messages are one call", async () => {
    await using llm = await startLlmServer([answer("first"), answer("second")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const headers = { "x-request-id": "r1" };
    const send = async (text: string) =>
      (await sdk(door).chat.completions.create(ask(text), { headers })).choices[0]?.message.content;
    expect([await send("one"), await send("one"), await send("two")]).toEqual(["first", "first", "second"]);
    const streamed = sdk(door).chat.completions.stream({ ...ask("one"), stream: true }, { headers });
    expect((await streamed.finalChatCompletion()).choices[0]?.message.content).toBe("first");
    expect(llm.requests).toHaveLength(2);
  });

  test("a call that failed and then got its answer under the same id has that answer, not the failure, from then on", async () => {
    await using llm = await startLlmServer([failure(503), failure(503), failure(503), failure(503), answer("whole")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const send = () => sdk(door).chat.completions.create(ask("one"), { headers: { "idempotency-key": "k" } });
    await expect(send()).rejects.toMatchObject({ status: 503 });
    expect([await send(), await send()]).toMatchObject([{ choices: [{ message: { content: "whole" } }] }, {}]);
  });

  test("a call with a request id continues when its caller drops, and its answer waits for the caller", async () => {
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await using llm = await startLlmServer([
      stream([chunk({ content: "begun" }), () => held, chunk({ content: " and done" }, "stop"), "data: [DONE]\n\n"]),
    ]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const call = { ...ask("hi"), stream: true as const };
    const headers = { ...durable, "x-request-id": "r1" };
    for await (const { choices } of await sdk(door).chat.completions.create(call, { headers })) {
      if (choices[0]?.delta.content === "begun") break;
    }
    finish();
    const { choices } = await sdk(door).chat.completions.create(ask("hi"), { headers });
    expect(choices[0]?.message.content).toBe("begun and done");
  });

  test("results of the caller's tools count once: a second attempt gets the answer by its request id, or is refused", async () => {
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const slow = stream([() => held, chunk({ content: "cold" }, "stop"), "data: [DONE]\n\n"]);
    await using llm = await startLlmServer([toolCalls([{ name: "weather", arguments: {} }]), slow, answer("later")]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const tools = [{ type: "function" as const, function: { name: "weather" } }];
    const send = async (messages: object[], headers = {}) => {
      const response = await post(
        `${door.url}/v1/chat/completions`,
        { model: "m1", messages, tools },
        {
          ...durable,
          ...headers,
          authorization: `Bearer ${door.token}`,
        },
      );
      type Body = { choices?: { message: { content: string; tool_calls?: { id: string }[] } }[] };
      const { choices } = (await response.json()) as Body;
      return { status: response.status, message: choices?.[0]?.message };
    };
    const { message } = await send([{ role: "user", content: "Oslo?" }]);
    const result = { role: "tool", tool_call_id: message?.tool_calls?.[0]?.id, content: "-3" };
    const first = send([result], { "x-request-id": "r1" });
    await until(() => llm.requests.length === 2);
    expect((await send([result])).status).toBe(409);
    finish();
    expect((await first).message?.content).toBe("cold");
    expect((await send([result], { "x-request-id": "r1" })).message?.content).toBe("cold");
    expect((await send([result])).status).toBe(400);
    await send([{ role: "user", content: "more" }]);
    const roles = llm.requests.at(-1)?.body.messages?.map(({ role }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "tool", "assistant", "user"]);
  });

  test("the memory of a stateless call ends with the call", async () => {
    await using llm = await startLlmServer(() => answer("fine"));
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const { response } = await sdk(door).chat.completions.create(ask("hi")).withResponse();
    const id = response.headers.get("x-conversation-id") ?? "";
    await until(() => !app.sessions.find(id));
    expect(await app.sessions.history(id)).toHaveLength(3);
  });
});

test("a tool that needs approval is denied, because nobody can be asked, and its result says so", async () => {
  await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("not allowed")]);
  const config = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
  await using door = await openDoor(app);
  const { choices } = await sdk(door).chat.completions.create(ask("hi"));
  expect(choices[0]?.message.content).toBe("not allowed");
  expect(llm.requests[1]?.body.messages?.at(-1)?.content).toContain("not run: the user did not allow s__echo");
});

test("tool_choice none offers neither the servers' tools nor the caller's", async () => {
  await using llm = await startLlmServer([answer("fine")]);
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
  await using door = await openDoor(app);
  await sdk(door).chat.completions.create({ ...ask("hi"), tools: [weather], tool_choice: "none" });
  expect(llm.requests[0]?.body.tools).toBeUndefined();
});

describe.each([true, false])("a call with `stop`, streamed: %s", (streamed) => {
  const call = { index: 0, id: "call_1", type: "function", function: { name: "s__echo", arguments: '{"n":1}' } };
  const sayThenCall = { content: "thinking STOP more", tool_calls: [call] };

  async function completed(llm: LlmServer, stop: string | string[]) {
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app);
    if (!streamed) {
      const { choices } = await sdk(door).chat.completions.create({ ...ask("hi"), stop });
      return { text: choices[0]?.message.content, reasons: [choices[0]?.finish_reason] };
    }
    let text = "";
    const reasons = [];
    for await (const { choices } of await sdk(door).chat.completions.create({ ...ask("hi"), stop, stream: true })) {
      text += choices[0]?.delta.content ?? "";
      if (choices[0]?.finish_reason) reasons.push(choices[0].finish_reason);
    }
    return { text, reasons };
  }

  test("ends at the first of its sequences, also one that comes in pieces", async () => {
    await using llm = await startLlmServer([answer("one two three four")]);
    expect(await completed(llm, ["never", "o three"])).toEqual({ text: "one tw", reasons: ["stop"] });
  });

  test("has all of an answer that ends with the beginning of a sequence", async () => {
    await using llm = await startLlmServer([answer("one tw")]);
    expect(await completed(llm, "two")).toEqual({ text: "one tw", reasons: ["stop"] });
  });

  test("neither runs a call after the sequence nor asks the model again", async () => {
    const whole = { message: { role: "assistant", ...sayThenCall }, finish_reason: "tool_calls" };
    const pieces = [chunk(sayThenCall), chunk({}, "tool_calls"), "data: [DONE]\n\n"];
    await using llm = await startLlmServer([streamed ? stream(pieces) : json({ choices: [{ index: 0, ...whole }] })]);
    expect(await completed(llm, "STOP")).toEqual({ text: "thinking ", reasons: ["stop"] });
    expect(llm.requests).toHaveLength(1);
  });

  test("has the whole answer if the sequence is empty", async () => {
    await using llm = await startLlmServer([answer("one two")]);
    expect(await completed(llm, "")).toEqual({ text: "one two", reasons: ["stop"] });
  });

  test("is not an error for a call behind the sequence whose tool does not exist", async () => {
    const other = { ...call, function: { name: "none", arguments: "{}" } };
    const message = { role: "assistant", content: "thinking STOP", tool_calls: [other] };
    const pieces = [chunk(message), chunk({}, "tool_calls"), "data: [DONE]\n\n"];
    const whole = { choices: [{ index: 0, message, finish_reason: "tool_calls" }] };
    await using llm = await startLlmServer([streamed ? stream(pieces) : json(whole)]);
    expect(await completed(llm, "STOP")).toEqual({ text: "thinking ", reasons: ["stop"] });
  });

  test("ignores the gap between two answers of the turn", async () => {
    await using llm = await startLlmServer([sayAndCall("Let me see.", "s__echo", { n: 1 }), answer("one\n\ntwo")]);
    expect(await completed(llm, "\n\n")).toEqual({ text: "Let me see.\n\none", reasons: ["stop"] });
  });
});

test("the connection carries keep-alives while a long tool runs", async () => {
  using record = recording();
  await using llm = await startLlmServer([toolCalls([{ name: "s__hang", arguments: {} }])]);
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ record: record.path }) } });
  await using door = await openDoor(app, { keepAliveMs: 20 });
  const response = await post(`${door.url}/v1/chat/completions`, { ...ask("hi"), stream: true });
  await until(() => record.lines().some((line) => line.startsWith("hanging")));
  let text = "";
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes).toString();
    if (text.split(": keep-alive\n\n").length > 3) break;
  }
  expect(text).toContain("data: {");
});

const said = (part: object) => ({ role: "user", content: [part] });

test.each([
  [{ messages: [] }, "messages must NOT have fewer than 1 items"],
  [{}, "must have required property 'messages'"],
  [{ messages: [{ role: "robot" }] }, "messages.0.role must be equal to one of the allowed values"],
  [{ ...ask("hi"), n: 2 }, "n must be equal to constant"],
  [{ ...ask("hi"), function_call: "none" }, "function_call must be null"],
  [{ ...ask("hi"), functions: [{ name: "f" }] }, "functions must be null"],
  [
    { messages: [{ role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } }] },
    "messages.0.function_call must be null",
  ],
  [
    { ...ask("hi"), response_format: { type: "xml" } },
    "response_format.type must be equal to one of the allowed values",
  ],
  ["{", "the body is not valid JSON"],
  [{ messages: [{ role: "user", content: [{ type: "hologram" }] }] }, 'content of type "hologram" is not supported'],
  [{ messages: [said({ type: "file", file: { file_id: "f1" } })] }, "the content's file_data has to be a text"],
  [
    { messages: [said({ type: "input_file", file_data: "data:text/rtf;base64,AAAA" })] },
    "file_data has to be a PDF, as data:application/pdf;base64,",
  ],
  [{ messages: [said({ type: "text", text: { toString: "x" } })] }, "the content's text has to be a text"],
  [{ messages: [said({ type: "image_url", image_url: { url: null } })] }, "the content's image_url has to be a text"],
  [
    { messages: [said({ type: "image_url", image_url: { url: "file:///home/me/cat.png" } })] },
    "image_url: an http(s) address, or the picture itself as base64, is needed",
  ],
  [{ messages: [said({ type: "image_url", image_url: { url: "https://" } })] }, "image_url: an http(s) address"],
  [
    { messages: [said({ type: "input_audio", input_audio: { data: 5 } })] },
    "the content's input_audio.data has to be a text",
  ],
])("%j is refused: %s", async (body, message) => {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  const response = await post(`${door.url}/v1/chat/completions`, body);
  expect(response.status).toBe(400);
  expect(((await response.json()) as { error: { message: string } }).error.message).toContain(message);
});

test.each(["file", "input_file"])("a PDF as %s reaches the model", async (type) => {
  await using llm = await startLlmServer([answer("read")]);
  const provider = { base_url: llm.url, model: "m1", quirks: { files: true } };
  await using app = await startApp({ llm: "", config: { llm: { active: "p", providers: { p: provider } } } });
  await using door = await openDoor(app);
  const file = { filename: "paper.pdf", file_data: "data:application/pdf;base64,JVBERi0=" };
  const part = type === "file" ? { type, file } : { type, ...file };
  await post(`${door.url}/v1/chat/completions`, { messages: [said(part)] });
  expect(llm.requests[0]?.body.messages?.at(-1)?.content).toEqual([{ type: "file", file }]);
});

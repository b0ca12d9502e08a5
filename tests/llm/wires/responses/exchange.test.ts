import { describe, expect, test } from "@jest/globals";
import type { Message } from "../../../../src/core/messages.js";
import { accountOf } from "../../../../src/llm/providers/provider-account.js";
import { llmConfig } from "../../../support/llm-config.js";
import { answer, breaking, calls, ending, failing, says, startOpenAi, thinks } from "../../../support/strict/index.js";
import { clientWith } from "../../client-of.js";
import { loopOf, responsesClient, result, tool, user } from "./loop-client.js";

const system: Message = { role: "system", content: "Be brief." };

describe.each([false, true])("streamed: %p", (streaming) => {
  test("an answer has its reasoning and its cost", async () => {
    await using mock = await startOpenAi([answer(thinks("Let me see."), says("Grüße 🌍"))]);
    await using tested = responsesClient(mock);
    const completion = await tested.ask({ streaming }, { messages: [system, user("hi")], tools: [] });
    expect(completion).toMatchObject({
      message: { content: "Grüße 🌍", reasoning: "Let me see.", toolCalls: [] },
      finishReason: "stop",
      usage: { inputTokens: mock.hops[0]?.input, outputTokens: mock.hops[0]?.output, reasoningTokens: 3 },
    });
    if (streaming) expect(tested.shown()).toBe("Let me see.Grüße 🌍");
    expect(mock.requests[0]?.body).toMatchObject({
      store: false,
      include: ["reasoning.encrypted_content"],
      input: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: "hi" },
      ],
    });
  });

  test("four parallel calls, with text before them, go back as they came", async () => {
    const four = [1, 2, 3, 4].map((n) => calls("read", { n, 北: "京" }));
    await using mock = await startOpenAi([
      answer(thinks("four"), says("I look."), thinks("more"), ...four),
      answer(thinks("so"), says("All"), says("read.")),
      answer("again"),
    ]);
    await using tested = responsesClient(mock);
    const messages = [system, user("read")];
    const [first, last] = await loopOf((request) => tested.ask({ streaming }, request), messages);
    expect(first).toMatchObject({
      finishReason: "tool_calls",
      message: { content: "I look.", reasoning: "four\n\nmore" },
    });
    expect(first?.message.toolCalls.map(({ arguments: text }) => JSON.parse(text).n)).toEqual([1, 2, 3, 4]);
    expect(last?.message.content).toBe("All\n\nread.");
    await tested.ask({ streaming }, { messages: [...messages, user("and?")], tools: [tool] });
    expect(mock.hops.flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings])).toEqual([]);
    const sent = (mock.requests[2]?.body.input ?? []) as object[];
    expect(sent.map((item) => ("type" in item ? item.type : ""))).toEqual(
      ["", "", "reasoning", "message", "reasoning"].concat(
        four.map(() => "function_call"),
        four.map(() => "function_call_output"),
        ["reasoning", "message", "message", ""],
      ),
    );
    expect(mock.refusals).toEqual([]);
  });

  test("an answer that failed is asked for again", async () => {
    await using mock = await startOpenAi([ending("malformed_call", says("x")), answer("whole")]);
    await using tested = responsesClient(mock);
    // `restart` lets the host discard text of a stream that was already shown.
    const completion = await tested.ask({ streaming, streamRecovery: "restart" });
    expect(completion).toMatchObject({ message: { content: "whole" }, attempts: 2 });
  });
});

test("a tool with an array that says nothing about its items is accepted at once", async () => {
  await using mock = await startOpenAi([answer("fine")]);
  await using tested = responsesClient(mock);
  const properties = { files: { type: "array" }, pairs: { type: "array", items: { type: "array" } } };
  const tools = [{ ...tool, inputSchema: { type: "object", properties } }];
  expect(await tested.ask({ streaming: true }, { messages: [user("read")], tools })).toMatchObject({ attempts: 1 });
});

test("a quota error inside a stream is final", async () => {
  await using mock = await startOpenAi([breaking({ how: "error", at: "before_text", error: "quota" }, says("x"))]);
  await using tested = responsesClient(mock);
  expect(await tested.fails({ streaming: true })).toMatchObject({ kind: "quota", retryable: false });
});

test("a picture in a result stands in the result, also beside text", async () => {
  await using mock = await startOpenAi([answer(calls("read")), answer("A cat.")]);
  await using tested = responsesClient(mock);
  const first = await tested.ask({ streaming: true }, { messages: [user("look")], tools: [tool] });
  const [call] = first.message.toolCalls;
  const image: Message = {
    role: "tool",
    toolCallId: call?.id ?? "",
    isError: false,
    content: [
      { type: "text", text: "here:" },
      { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" },
      { type: "audio", data: "AAAA", mimeType: "audio/wav" },
    ],
  };
  await tested.ask({ streaming: true }, { messages: [user("look"), first.message, image], tools: [tool] });
  expect(((mock.requests[1]?.body.input ?? []) as object[]).at(-1)).toEqual({
    type: "function_call_output",
    call_id: call?.id,
    output: [
      { type: "input_text", text: "here:" },
      { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo=", detail: "auto" },
      { type: "input_text", text: expect.stringContaining("[audio audio/wav") },
    ],
  });
});

describe("reasoning goes back", () => {
  const question = [system, user("read")];

  async function first(mock: { url: string }) {
    const config = llmConfig(mock.url, {}, { wire: "responses", model: "gpt-5.6-sol" });
    await using tested = clientWith(config);
    const { message } = await tested.ask({ streaming: true }, { messages: question, tools: [tool] });
    const [call] = message.toolCalls;
    // The messages as they are after the log has stored them.
    return JSON.parse(JSON.stringify([...question, message, result(call?.id ?? "", "4")])) as Message[];
  }
  const reasoningIn = (body: Record<string, unknown> | undefined) =>
    ((body?.input ?? []) as { type?: string; id?: string }[]).filter(
      ({ type, id }) => type === "reasoning" || id !== undefined,
    );

  test("from another process with the same account", async () => {
    await using mock = await startOpenAi([answer(thinks("hm"), calls("read")), answer("4")]);
    const messages = await first(mock);
    await using tested = responsesClient(mock);
    await tested.ask({ streaming: true }, { messages, tools: [tool] });
    expect(mock.hops[1]?.lostReasoning).toEqual([]);
    expect(reasoningIn(mock.requests[1]?.body)).toHaveLength(2);
  });

  test("to a model of the same family, but to no other one", async () => {
    await using mock = await startOpenAi([answer(thinks("hm"), calls("read")), answer("4"), answer("4")]);
    const messages = await first(mock);
    for (const model of ["gpt-5.6-luna", "gpt-5.5"]) {
      await using tested = responsesClient(mock, { model });
      await tested.ask({ streaming: true }, { messages, tools: [tool] });
    }
    expect(reasoningIn(mock.requests[1]?.body)).toHaveLength(2);
    expect(reasoningIn(mock.requests[2]?.body)).toHaveLength(0);
    expect(mock.refusals).toEqual([]);
  });

  test("only as text, calls and results to another account or wire", async () => {
    await using mock = await startOpenAi([answer(thinks("hm"), calls("read")), answer("4"), answer("4")]);
    const messages = await first(mock);
    for (const other of [
      { apiKey: "sk-other-0123456789" },
      { wire: "chat", extraBody: { reasoning_effort: "none" } } as const,
    ]) {
      await using tested = responsesClient(mock, other);
      await tested.ask({ streaming: true }, { messages, tools: [tool] });
    }
    expect(reasoningIn(mock.requests[1]?.body)).toHaveLength(0);
    expect(mock.requests[2]?.url.pathname).toBe("/v1/chat/completions");
    expect(mock.refusals).toEqual([]);
  });

  test("never to an account that cannot read its own reasoning; that is found out once and logged", async () => {
    await using other = await startOpenAi([answer(thinks("hm"), calls("read"))]);
    const messages = await first(other);
    await using mock = await startOpenAi([answer(thinks("so"), calls("read")), answer("4")]);
    await using tested = responsesClient(mock);
    // For this host it is the same provider and account.
    for (const message of messages)
      if (message.role === "assistant" && message.kept) message.kept.account = accountAt(mock);
    await loopOf((request) => tested.ask({ streaming: true }, request), messages);
    expect(mock.refusals.map(({ code }) => code)).toEqual(["invalid_encrypted_content"]);
    expect(
      tested.observed.filter(({ message }) =>
        message.includes("signed reasoning and the ids of earlier answers are refused"),
      ),
    ).toHaveLength(1);
    // Reasoning of later answers is sent back.
    expect(reasoningIn(mock.requests[2]?.body)).toHaveLength(2);
    expect(mock.hops[1]?.lostReasoning).toEqual([]);
  });

  function accountAt({ url }: { url: string }): string {
    return accountOf({ baseUrl: url, apiKeys: ["sk-test-0123456789"] });
  }
});

test("a fallback to Chat Completions and back keeps the turn", async () => {
  await using broken = await startOpenAi([
    answer(thinks("a"), calls("read")),
    failing("auth"),
    answer(thinks("b"), says("done")),
  ]);
  await using chat = await startOpenAi([answer(calls("read"))]);
  const config = llmConfig(broken.url, {}, { wire: "responses", model: "gpt-5.6-sol" });
  const other = { baseUrl: chat.url, model: "gpt-4.1", apiKey: "sk-test-0123456789" };
  await using tested = clientWith({ ...config, fallback: ["other"], providers: { ...config.providers, other } });
  const completions = await loopOf((request) => tested.ask({ streaming: true }, request), [user("read")]);
  expect(completions.map(({ provider }) => provider)).toEqual(["test", "other", "test"]);
  expect(broken.refusals).toEqual([]);
  expect(broken.hops[1]?.lostReasoning).toEqual([]);
});

test("a schema of the answer goes with each request, and the provider takes it beside tools", async () => {
  await using mock = await startOpenAi([answer(thinks("hm"), calls("read")), answer('{"sum":4}')]);
  await using tested = responsesClient(mock, { extraBody: { text: { verbosity: "low" } } });
  const schema = {
    type: "object",
    properties: { sum: { type: "number" } },
    required: ["sum"],
    additionalProperties: false,
  };
  const output = { jsonSchema: schema, strict: true };
  await loopOf((request) => tested.ask({ streaming: true }, { ...request, output }), [user("sum")]);
  const text = { verbosity: "low", format: { type: "json_schema", name: "answer", schema, strict: true } };
  expect(mock.requests.map(({ body }) => body.text)).toEqual([text, text]);
  expect(mock.refusals).toEqual([]);
});

test("tools that a result has found follow it, and those before the conversation stay the same", async () => {
  await using mock = await startOpenAi([
    answer(calls("find")),
    answer(thinks("x"), calls("late")),
    answer("done"),
    answer("no more"),
  ]);
  await using tested = responsesClient(mock);
  const find = { ...tool, name: "find" };
  const late = { ...tool, name: "late" };
  const messages = [user("find")];
  const first = await tested.ask({ streaming: true }, { messages, tools: [find] });
  messages.push(first.message, { ...result(first.message.toolCalls[0]?.id ?? "", "late"), found: ["late"] } as Message);
  for (const toolChoice of [undefined, undefined, "none"] as const) {
    const { message } = await tested.ask({ streaming: true }, { messages, tools: [find, late], toolChoice });
    messages.push(message, ...message.toolCalls.map(({ id }) => result(id, "4")));
    if (message.toolCalls.length === 0) messages.push(user("more"));
  }
  const bodies = mock.requests.map(({ body }) => body);
  expect(bodies.map(({ tools }) => JSON.stringify(tools))).toEqual(Array(4).fill(JSON.stringify(bodies[0]?.tools)));
  const inputs = bodies.map(({ input }) => input as object[]);
  expect(inputs[1]?.at(-1)).toMatchObject({ type: "additional_tools", tools: [{ name: "late" }] });
  for (const [index, input] of inputs.slice(1).entries())
    expect(JSON.stringify(input)).toContain(JSON.stringify(inputs[index]).slice(0, -1));
  expect(bodies[3]?.tool_choice).toBe("none");
  expect(mock.refusals).toEqual([]);
});

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import OpenAI from "openai";
import {
  answer,
  calls,
  loop,
  type Script,
  says,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../../support/strict/index.js";
import type { Loose } from "./raw-client.js";

/**
 * Requests of the vendors' own SDKs pass the strict mocks: a mock that refuses what its vendor accepts would teach the host wrong rules.
 * `npm run slow-packages` installs the SDKs.
 */
const packages = "tests/slow-packages";
const isInstalled = existsSync(`${packages}/node_modules/@anthropic-ai/sdk`);
if (!isInstalled) process.stderr.write("NOT TESTED with Anthropic's and Google's SDKs: npm run slow-packages\n");
const sdk = (name: string): Loose => createRequire(resolve(packages, "package.json"))(name);

const twoCalls: Script = loop(
  2,
  (n) => answer(thinks(`step ${n}`), says("I add."), calls("add", { a: n, b: 2 }), calls("add", { a: 3, b: n })),
  answer(thinks("done"), "All added."),
);
const schema = {
  type: "object",
  properties: { a: { type: "number" }, b: { type: "number" } },
  required: ["a", "b"],
  additionalProperties: false,
} as const;
const sum = ({ a, b }: { a: number; b: number }) => String(a + b);

describe("openai", () => {
  const clientOf = (mock: { url: string }) => new OpenAI({ baseURL: mock.url, apiKey: "key", maxRetries: 0 });
  const tools = [{ type: "function", name: "add", parameters: schema, strict: true }] as const;

  test.each([false, true])("a tool loop over Responses, streamed: %p", async (isStreamed) => {
    await using mock = await startOpenAi(twoCalls);
    const client = clientOf(mock);
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: "add" }];
    for (let hop = 0; hop < 3; hop++) {
      const params = {
        model: "gpt-5.6-sol",
        store: false,
        input,
        tools: [...tools],
        include: ["reasoning.encrypted_content" as const],
      };
      const response = isStreamed
        ? await client.responses.stream(params).finalResponse()
        : await client.responses.create(params);
      input.push(...response.output.map(withoutParsed));
      for (const item of response.output)
        if (item.type === "function_call")
          input.push({ type: "function_call_output", call_id: item.call_id, output: sum(JSON.parse(item.arguments)) });
      if (hop === 2) expect(response.output_text).toBe("All added.");
    }
    expect(mock.refusals).toEqual([]);
    expect(mock.hops.flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings])).toEqual([]);
  });

  /** Removes fields that the SDK's stream adds and that OpenAI does not accept in a request. */
  function withoutParsed(item: OpenAI.Responses.ResponseOutputItem): OpenAI.Responses.ResponseInputItem {
    return JSON.parse(JSON.stringify(item, (key, value) => (key.startsWith("parsed") ? undefined : value)));
  }

  test("dropped reasoning content, a dropped call, a dropped or moved result and a key of another organisation fail", async () => {
    await using mock = await startOpenAi(twoCalls.slice(0, 1) as Script);
    const params = { model: "gpt-5.6-sol", store: false, tools: [...tools] };
    const prompt = { role: "user", content: "add" } as const;
    const ask = (apiKey: string, ...items: OpenAI.Responses.ResponseInput) =>
      new OpenAI({ baseURL: mock.url, apiKey, maxRetries: 0 }).responses.create({
        ...params,
        input: [prompt, ...items],
      });
    const { output } = await ask("key");
    const [reasoning, ...rest] = output.map(withoutParsed);
    if (!reasoning) throw new Error("no reasoning");
    const results = output.flatMap((item) =>
      item.type === "function_call"
        ? [{ type: "function_call_output" as const, call_id: item.call_id, output: "" }]
        : [],
    );
    await expect(ask("key", reasoning)).rejects.toThrow("was provided without its required following item");
    await expect(
      ask("key", { ...reasoning, encrypted_content: undefined } as never, ...rest, ...results),
    ).rejects.toThrow("Items are not persisted when `store` is set to false");
    await expect(ask("key", reasoning, ...rest, ...results.slice(1))).rejects.toThrow("No tool output found");
    await expect(ask("key", ...results, reasoning, ...rest)).rejects.toThrow("No tool call found");
    await expect(ask("other", reasoning, ...rest, ...results)).rejects.toMatchObject({
      status: 400,
      code: "invalid_encrypted_content",
    });
  });

  test("a picture in a result, a schema of the answer, and the list of models pass", async () => {
    await using mock = await startOpenAi([answer(thinks("hm"), calls("add", { a: 1, b: 2 })), answer('{"a":1,"b":2}')]);
    const client = clientOf(mock);
    const text = { format: { type: "json_schema", name: "sum", schema, strict: true } } as const;
    const params = { model: "gpt-5.6-sol", store: false, tools: [...tools], text };
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: "add" }];
    const first = await client.responses.parse({ ...params, input });
    input.push(...first.output.map(withoutParsed));
    const call = first.output.find((item) => item.type === "function_call");
    const picture = { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "auto" } as const;
    input.push({ type: "function_call_output", call_id: call?.call_id ?? "", output: [picture] });
    expect((await client.responses.parse({ ...params, input })).output_parsed).toEqual({ a: 1, b: 2 });
    expect((await client.models.list()).data.map(({ id }) => id)).toContain("gpt-5.6-sol");
    expect(mock.refusals).toEqual([]);
  });

  test("the tool runner of Chat Completions, at a model that may", async () => {
    await using mock = await startOpenAi(twoCalls);
    const runnable: Loose = {
      type: "function",
      function: { name: "add", description: "", parameters: schema, parse: JSON.parse, function: sum },
    };
    const runner = clientOf(mock).chat.completions.runTools({
      model: "gpt-5.1",
      stream: true,
      messages: [{ role: "user", content: "add" }],
      tools: [runnable],
    });
    expect(await runner.finalContent()).toBe("All added.");
    const refused = clientOf(mock).chat.completions.create({
      model: "gpt-6-astra",
      messages: [{ role: "user", content: "add" }],
      tools: [{ type: "function", function: { name: "add", parameters: schema } }],
    });
    await expect(refused).rejects.toThrow("Please use /v1/responses instead.");
  });

  test("Chat Completions refuses a field that it does not know, and a result that was moved", async () => {
    await using mock = await startOpenAi([answer(calls("add", { a: 1, b: 2 }))]);
    const prompt = { role: "user", content: "add" } as const;
    const ask = (messages: OpenAI.ChatCompletionMessageParam[], more: object = {}) =>
      clientOf(mock).chat.completions.create({
        model: "gpt-5.1",
        messages,
        tools: [{ type: "function", function: { name: "add", parameters: schema } }],
        ...more,
      });
    const { message } = (await ask([prompt])).choices[0] as OpenAI.ChatCompletion.Choice;
    const result = { role: "tool", tool_call_id: message.tool_calls?.[0]?.id ?? "", content: "3" } as const;
    await expect(ask([prompt, message, prompt, result])).rejects.toThrow("did not have response messages");
    await expect(ask([prompt, result, message])).rejects.toThrow("must be a response to a preceeding message");
    await expect(ask([prompt], { reasoning: { effort: "low" } })).rejects.toMatchObject({
      status: 400,
      code: "unknown_parameter",
      param: "reasoning",
    });
  });
});

const whereInstalled = isInstalled ? describe : describe.skip;

whereInstalled("@anthropic-ai/sdk", () => {
  const clientOf = (mock: { origin: string }): Loose => {
    const { Anthropic } = sdk("@anthropic-ai/sdk");
    return new Anthropic({ baseURL: mock.origin, apiKey: "key", authToken: null, maxRetries: 0 });
  };
  const prompt = { role: "user", content: "add" };
  const tool = { name: "add", input_schema: schema };
  const base = { model: "claude-opus-5-5", max_tokens: 2000, tools: [tool], cache_control: { type: "ephemeral" } };
  const resultsOf = (content: Loose[]) => ({
    role: "user",
    content: content
      .filter(({ type }) => type === "tool_use")
      .map(({ id, input }) => ({ type: "tool_result", tool_use_id: id, content: sum(input) })),
  });

  test.each([false, true])("a tool loop with thinking, streamed: %p", async (isStreamed) => {
    await using mock = await startAnthropic(twoCalls);
    const client = clientOf(mock);
    const messages: Loose[] = [prompt];
    for (let hop = 0; hop < 3; hop++) {
      const params = { ...base, messages, thinking: { type: "adaptive", display: "summarized" } };
      const { content } = isStreamed
        ? await client.messages.stream(params).finalMessage()
        : await client.messages.create(params);
      messages.push({ role: "assistant", content });
      if (hop < 2) messages.push(resultsOf(content));
      expect(content[0]).toMatchObject({ type: "thinking", thinking: hop < 2 ? `step ${hop}` : "done" });
    }
    expect(messages.at(-1).content.at(-1).text).toBe("All added.");
    expect(mock.refusals).toEqual([]);
    expect(mock.hops.flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings])).toEqual([]);
  });

  test("the tool runner, in manual mode", async () => {
    await using mock = await startAnthropic(twoCalls);
    const last = await clientOf(mock).beta.messages.toolRunner({
      model: "claude-haiku-4-5",
      max_tokens: 4000,
      thinking: { type: "enabled", budget_tokens: 2000 },
      messages: [prompt],
      tools: [{ type: "custom", name: "add", input_schema: schema, run: sum, parse: (input: Loose) => input }],
    });
    expect(last.content.at(-1)).toMatchObject({ text: "All added." });
    expect(mock.refusals.map(({ message }) => message)).toEqual(["thread: this request cannot be threaded"]);
    expect(mock.hops.flatMap(({ lostReasoning }) => lostReasoning)).toEqual([]);
  });

  test("a dropped signature, a moved result and a fifth mark fail", async () => {
    await using mock = await startAnthropic(twoCalls.slice(0, 1) as Script);
    const client = clientOf(mock);
    const { content } = await client.messages.create({ ...base, messages: [prompt] });
    const ask = (...messages: Loose[]) => client.messages.create({ ...base, messages });
    const [thought, ...rest] = content;
    const results = resultsOf(content);
    await expect(
      ask(prompt, { role: "assistant", content: [{ ...thought, signature: "" }, ...rest] }, results),
    ).rejects.toThrow("Invalid `signature` in `thinking` block");
    const moved = { role: "user", content: [{ type: "text", text: "so" }, ...results.content] };
    await expect(ask(prompt, { role: "assistant", content }, moved)).rejects.toThrow(
      "`tool_use` ids were found without",
    );
    const marks = Array.from({ length: 4 }, (_, n) => ({
      type: "text",
      text: `${n}`,
      cache_control: base.cache_control,
    }));
    await expect(ask({ role: "user", content: marks })).rejects.toThrow("A maximum of 4 blocks with cache_control");
    await expect(ask(prompt, { role: "assistant", content }, prompt, results)).rejects.toThrow(
      "`tool_use` ids were found without",
    );
    await expect(
      ask(prompt, { role: "assistant", content: [rest[0], thought, ...rest.slice(1)] }, results),
    ).rejects.toThrow(/thinking/);
  });

  test("a picture in a result, a schema of the answer, a count of tokens and the list of models pass", async () => {
    await using mock = await startAnthropic([answer(thinks("hm"), calls("add", { a: 1, b: 2 })), answer('{"a":1}')]);
    const client = clientOf(mock);
    const { content } = await client.messages.create({ ...base, messages: [prompt] });
    const source = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
    const [result] = resultsOf(content).content;
    const results = { role: "user", content: [{ ...result, content: [{ type: "image", source }] }] };
    const messages = [prompt, { role: "assistant", content }, results];
    const outputConfig = { format: { type: "json_schema", schema } };
    expect(
      (await client.messages.countTokens({ ...base, max_tokens: undefined, messages })).input_tokens,
    ).toBeGreaterThan(50);
    const last = await client.messages.create({ ...base, messages, output_config: outputConfig });
    expect(last.content.at(-1)).toMatchObject({ text: '{"a":1}' });
    expect((await client.models.list()).data.map(({ id }: Loose) => id)).toContain("claude-opus-5-5");
    expect(mock.refusals).toEqual([]);
  });
});

whereInstalled("@google/genai", () => {
  const clientOf = (mock: { origin: string }): Loose => {
    const { GoogleGenAI } = sdk("@google/genai");
    // The SDK needs a `fetch` here: its default looks for Node's HTTP dispatcher, which is missing in a test's context.
    return new GoogleGenAI({ apiKey: "key", httpOptions: { baseUrl: mock.origin, fetch } });
  };
  const config = {
    systemInstruction: "Be brief.",
    thinkingConfig: { includeThoughts: true },
    tools: [{ functionDeclarations: [{ name: "add", parametersJsonSchema: schema }] }],
  };
  const resultsOf = (functionCalls: Loose[]) =>
    functionCalls.map(({ id, name, args }) => ({ functionResponse: { id, name, response: { output: sum(args) } } }));

  async function gathered(stream: AsyncIterable<Loose>): Promise<Loose[]> {
    const all: Loose[] = [];
    for await (const one of stream) all.push(one);
    return all;
  }

  test.each([false, true])("a chat with tools, streamed: %p", async (isStreamed) => {
    await using mock = await startGemini(twoCalls);
    const chat = clientOf(mock).chats.create({ model: "gemini-3.5-pro", config });
    let message: Loose = "add";
    for (let hop = 0; hop < 3; hop++) {
      const responses = isStreamed
        ? await gathered(await chat.sendMessageStream({ message }))
        : [await chat.sendMessage({ message })];
      message = resultsOf(responses.flatMap(({ functionCalls }: Loose) => functionCalls ?? []));
      if (hop === 2) expect(responses.map(({ text }: Loose) => text ?? "").join("")).toBe("All added.");
    }
    expect(mock.refusals).toEqual([]);
    expect(mock.hops.flatMap(({ lostReasoning }) => lostReasoning)).toEqual([]);
  });

  test("a dropped, a moved and a changed signature, a missing and a moved response fail", async () => {
    await using mock = await startGemini(twoCalls.slice(0, 1) as Script);
    const { models } = clientOf(mock);
    const prompt = { role: "user", parts: [{ text: "add" }] };
    const response = await models.generateContent({ model: "gemini-3.5-pro", contents: [prompt], config });
    const parts: Loose[] = response.candidates[0].content.parts;
    const results = resultsOf(response.functionCalls);
    const ask = (said: Loose[], given: Loose[]) =>
      models.generateContent({
        model: "gemini-3.5-pro",
        contents: [prompt, { role: "model", parts: said }, { role: "user", parts: given }],
        config,
      });
    await expect(
      ask(
        parts.map(({ thoughtSignature: _, ...part }) => part),
        results,
      ),
    ).rejects.toThrow("missing a thought_signature");
    await expect(ask(parts, results.slice(1))).rejects.toThrow("number of function response parts");
    const at = parts.findIndex(({ functionCall }) => functionCall);
    const { thoughtSignature, ...unsigned } = parts[at];
    const moved = [...parts.slice(0, at), unsigned, { ...parts[at + 1], thoughtSignature }];
    await expect(ask(moved, results)).rejects.toThrow("Corrupted thought signature.");
    const changed = parts.map((part) => (part.thoughtSignature ? { ...part, thoughtSignature: "QUJD" } : part));
    await expect(ask(changed, results)).rejects.toThrow("Corrupted thought signature.");
    const early = [prompt, { role: "user", parts: results }, { role: "model", parts }];
    await expect(models.generateContent({ model: "gemini-3.5-pro", contents: early, config })).rejects.toThrow(
      "comes immediately after a function call turn",
    );
  });

  test("a picture in a result, a schema of the answer and the list of models pass", async () => {
    await using mock = await startGemini([answer(thinks("hm"), calls("add", { a: 1, b: 2 })), answer('{"a":1}')]);
    const { models } = clientOf(mock);
    const prompt = { role: "user", parts: [{ text: "add" }] };
    const formed = { ...config, responseMimeType: "application/json", responseJsonSchema: schema };
    const ask = (...contents: Loose[]) => models.generateContent({ model: "gemini-3.5-pro", contents, config: formed });
    const first = await ask(prompt);
    const [{ functionResponse }] = resultsOf(first.functionCalls) as [Loose];
    const inlineData = { mimeType: "image/png", data: "AAAA" };
    const result = { functionResponse: { ...functionResponse, parts: [{ inlineData }] } };
    const last = await ask(prompt, first.candidates[0].content, { role: "user", parts: [result] });
    expect(last.text).toBe('{"a":1}');
    expect((await gathered(await models.list())).map(({ name }) => name)).toContain("models/gemini-3.5-pro");
    expect(mock.refusals).toEqual([]);
  });
});

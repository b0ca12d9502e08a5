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
 * What the vendors' own SDKs send passes the strict mocks: a mock that refuses what its vendor takes would teach the host wrong.
 * `npm run slow-packages` installs them.
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

  /** The SDK's stream adds these, and OpenAI does not take them back. */
  function withoutParsed(item: OpenAI.Responses.ResponseOutputItem): OpenAI.Responses.ResponseInputItem {
    return JSON.parse(JSON.stringify(item, (key, value) => (key.startsWith("parsed") ? undefined : value)));
  }

  test("reasoning whose call was dropped fails, and so does a key of another organisation", async () => {
    await using mock = await startOpenAi(twoCalls.slice(0, 1) as Script);
    const client = clientOf(mock);
    const prompt = { role: "user", content: "add" } as const;
    const params = { model: "gpt-5.6-sol", store: false, tools: [...tools] };
    const { output } = await client.responses.create({ ...params, input: [prompt] });
    const [reasoning, ...rest] = output.map(withoutParsed);
    if (!reasoning) throw new Error("no reasoning");
    await expect(client.responses.create({ ...params, input: [prompt, reasoning] })).rejects.toThrow(
      "was provided without its required following item",
    );
    const results = output.flatMap((item) =>
      item.type === "function_call"
        ? [{ type: "function_call_output" as const, call_id: item.call_id, output: "" }]
        : [],
    );
    const other = new OpenAI({ baseURL: mock.url, apiKey: "other", maxRetries: 0 });
    await expect(
      other.responses.create({ ...params, input: [prompt, reasoning, ...rest, ...results] }),
    ).rejects.toMatchObject({ status: 400, code: "invalid_encrypted_content" });
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
  });
});

whereInstalled("@google/genai", () => {
  const clientOf = (mock: { origin: string }): Loose => {
    const { GoogleGenAI } = sdk("@google/genai");
    // Without a fetch of the caller's it looks for Node's HTTP dispatcher, which a test's context does not have.
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

  test("a dropped signature and a missing response fail", async () => {
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
  });
});

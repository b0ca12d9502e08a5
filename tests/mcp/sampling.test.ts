import { describe, expect, test } from "@jest/globals";
import type { Completion, CompletionRequest } from "../../src/core/messages.js";
import { answerSampling, SamplingBudget } from "../../src/mcp/callbacks/sampling.js";

const parts = (outputTokens: number, budget = new SamplingBudget()) => ({
  budget,
  ask: async () => true,
  signal: new AbortController().signal,
  sample: async (): Promise<Completion> => ({
    message: { role: "assistant", content: "x", toolCalls: [] },
    finishReason: "stop",
    provider: "p",
    model: "m",
    usage: { inputTokens: 1, outputTokens },
    attempts: 1,
  }),
});
const params = { messages: [{ role: "user", content: { type: "text", text: "?" } }], maxTokens: 1_000_000 };

test("the sampling of one call has a limit in tokens", async () => {
  const bounded = parts(60_000);
  await answerSampling("s", params, bounded);
  await answerSampling("s", params, bounded);
  await expect(answerSampling("s", params, bounded)).rejects.toMatchObject({ code: -1 });
});

test("the sampling of one call has a limit in requests", async () => {
  const bounded = parts(1);
  for (let times = 0; times < 20; times++) await answerSampling("s", params, bounded);
  await expect(answerSampling("s", params, bounded)).rejects.toThrow("this call's sampling budget is used up");
});

test("requests that a server sends at once share the limit in tokens", async () => {
  const granted: number[] = [];
  const { sample, ...others } = parts(1);
  const bounded = {
    ...others,
    sample: async (request: CompletionRequest) => {
      granted.push(request.maxTokens ?? 0);
      return sample();
    },
  };
  const sent = Array.from({ length: 3 }, () => answerSampling("s", { ...params, maxTokens: 60_000 }, bounded));
  const answers = await Promise.allSettled(sent);
  expect(granted).toEqual([60_000, 40_000]);
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
});

test("tokens that were granted and not used can be granted again, also after a no and a failure", async () => {
  const bounded = parts(1);
  await expect(answerSampling("s", params, { ...bounded, ask: async () => false })).rejects.toThrow("did not allow");
  const sample = () => Promise.reject(new Error("down"));
  await expect(answerSampling("s", params, { ...bounded, sample })).rejects.toThrow("down");
  await expect(answerSampling("s", params, bounded)).resolves.toMatchObject({ stopReason: "endTurn" });
});

test("the sampling of one call has a limit in input tokens", async () => {
  const bounded = parts(1);
  const long = { messages: [{ role: "user", content: { type: "text", text: "x".repeat(1_500_000) } }], maxTokens: 5 };
  await answerSampling("s", long, bounded);
  await expect(answerSampling("s", long, bounded)).rejects.toThrow("this call's sampling budget is used up");
  const image = { type: "image", mimeType: "image/png", data: "x".repeat(1_500_000) };
  await answerSampling("s", { messages: [{ role: "user", content: image }], maxTokens: 5 }, bounded);
});

const big = "word ".repeat(500_000);
const use = { type: "tool_use", id: "c1", name: "t", input: { data: big } };
const picture = { type: "image", mimeType: "image/png", data: big };
test.each<[string, object]>([
  ["the arguments of a tool call", { messages: [{ role: "assistant", content: use }, ...params.messages] }],
  ["the schema of a tool", { tools: [{ name: "t", inputSchema: { type: "object", examples: [picture] } }] }],
  ["content of another type", { messages: [{ role: "user", content: { ...picture, type: "data" } }] }],
])("text does not count as a picture because its key is `data`: in %s", async (_, more) => {
  const sent = answerSampling("s", { ...params, maxTokens: 5, ...more }, parts(1));
  await expect(sent).rejects.toThrow("this call's sampling budget is used up");
});

test("a yes may have either form of an answer", async () => {
  const given = (value: unknown) => answerSampling("s", params, { ...parts(1), ask: async () => value });
  expect(await given({ allow: true })).toEqual(await given(true));
  await expect(given({ allow: false })).rejects.toThrow("did not allow");
});

test("a picture in the result of a tool counts as a picture", async () => {
  const content = { type: "tool_result", toolUseId: "c1", content: [picture] };
  const messages = [
    { role: "assistant", content: { ...use, input: {} } },
    { role: "user", content },
  ];
  await answerSampling("s", { messages, maxTokens: 5 }, parts(1));
});

test("the question says how much is sent, and shows calls of tools", async () => {
  const asked: unknown[] = [];
  const ask = async (question: unknown) => asked.push(question) > 0;
  const result = { type: "tool_result", toolUseId: "c1", content: [{ ...picture, data: "" }] };
  const messages = [
    { role: "user", content: { type: "text", text: "x".repeat(4_000) } },
    {
      role: "assistant",
      content: [
        { type: "text", text: "well" },
        { ...use, input: { a: 1 } },
      ],
    },
    { role: "user", content: [result, { type: "text", text: "say hi" }] },
  ];
  const tools = [{ name: "t", inputSchema: { type: "object" } }];
  await answerSampling("s", { messages, tools, maxTokens: 5 }, { ...parts(1), ask });
  expect(asked).toEqual([
    {
      kind: "sampling",
      server: "s",
      prompt: expect.stringMatching(
        /^\[sends about 2\d{3} tokens, tools: 1\]\n…x+\nassistant: well\n\[calls t \{"a":1\}\]\ntool: \[image\]\nuser: say hi$/,
      ),
      maxTokens: 5,
    },
  ]);
});

test.each([[-5], [0], [0.5]])("%s tokens are one", async (maxTokens) => {
  const { sample, ...others } = parts(1);
  let granted: number | undefined;
  const noting = async (request: CompletionRequest) => {
    granted = request.maxTokens;
    return sample();
  };
  await answerSampling("s", { ...params, maxTokens }, { ...others, sample: noting });
  expect(granted).toBe(1);
});

test("a tool that no model could call is refused with its name", async () => {
  const tools = [{ name: "a.b", inputSchema: {} }];
  await expect(answerSampling("s", { ...params, tools }, parts(1))).rejects.toThrow('a tool named "a.b"');
});

describe("a request that a tool must be called", () => {
  const required = { ...params, tools: [{ name: "a", inputSchema: {} }], toolChoice: { mode: "required" } };

  test("asks the model for it, and fails where the model calls none", async () => {
    const { sample, ...others } = parts(1);
    const choices: unknown[] = [];
    const called: Completion["message"]["toolCalls"] = [{ id: "c1", name: "a", arguments: "{}" }];
    const answering = (completion: Partial<Completion>, toolCalls = called) => ({
      ...others,
      sample: async (request: CompletionRequest): Promise<Completion> => {
        choices.push(request.toolChoice);
        const whole = await sample();
        return { ...whole, message: { ...whole.message, toolCalls }, ...completion };
      },
    });
    await expect(answerSampling("s", required, answering({}))).resolves.toMatchObject({ stopReason: "endTurn" });
    await expect(answerSampling("s", required, answering({}, []))).rejects.toMatchObject({ code: -32603 });
    const cut = await answerSampling("s", required, answering({ finishReason: "length" }, []));
    expect(cut.stopReason).toBe("maxTokens");
    await answerSampling("s", { ...required, toolChoice: { mode: "auto" } }, answering({}, []));
    expect(choices).toEqual(["required", "required", "required", undefined]);
  });

  test("is refused if it has no tools, and nobody is asked", async () => {
    const asked: unknown[] = [];
    const ask = async (question: unknown) => asked.push(question) > 0;
    const without = answerSampling("s", { ...required, tools: [] }, { ...parts(1), ask });
    await expect(without).rejects.toMatchObject({ code: -32602 });
    expect(asked).toEqual([]);
  });
});

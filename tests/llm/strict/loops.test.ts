import { expect, test } from "@jest/globals";
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
import { type Loose, rawClient } from "./raw-client.js";

const script: Script = [
  ...loop(
    3,
    (n) => answer(thinks(`Grüße ${n} 🌍`), says("I look."), calls("read", { n, 北: "京" }), calls("read", { n: -n })),
    answer(thinks("done"), "All read."),
  ),
];
const schema = { type: "object", properties: { n: { type: "number" } } };

test.each([false, true])("a loop over Responses, streamed: %p", async (isStreamed) => {
  await using mock = await startOpenAi(script);
  const client = rawClient(mock, "responses");
  const input: object[] = [{ role: "user", content: "read" }];
  const tools = [{ type: "function", name: "read", parameters: schema, strict: false }];
  for (let hop = 0; hop < 4; hop++) {
    const body = { model: "gpt-5.6-sol", store: false, include: ["reasoning.encrypted_content"], input, tools };
    const response = isStreamed ? (await client.stream(body)).at(-1).response : (await client.post(body)).body;
    expect(response.status).toBe("completed");
    input.push(...response.output);
    for (const { type, call_id, arguments: args } of response.output)
      if (type === "function_call") input.push({ type: "function_call_output", call_id, output: args });
  }
  expect(input.at(-1)).toMatchObject({ content: [{ text: "All read." }], phase: "final_answer" });
  expect(mock.hops.map(({ lostReasoning }) => lostReasoning)).toEqual([[], [], [], []]);
  expect(mock.hops.every(({ isWhole }) => isWhole)).toBe(true);
});

test("the events of Responses: order, numbers, interleaved calls, encrypted content that is final only at the end", async () => {
  await using mock = await startOpenAi([answer(thinks("hm"), says("So."), calls("a", { x: 1 }), calls("b", { y: 2 }))]);
  const events = await rawClient(mock, "responses").stream({
    model: "gpt-5.6-sol",
    input: "hi",
    reasoning: { summary: "auto" },
  });
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
  expect(events.map(({ type }) => type.replace("response.", ""))).toEqual([
    "created",
    "in_progress",
    "keepalive",
    "output_item.added",
    "reasoning_summary_part.added",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.done",
    "reasoning_summary_part.done",
    "output_item.done",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "output_item.added",
    "output_item.added",
    ...Array.from({ length: 4 }, () => "function_call_arguments.delta"),
    "function_call_arguments.done",
    "function_call_arguments.done",
    "output_item.done",
    "output_item.done",
    "completed",
  ]);
  const [added, done] = ["added", "done"].map((name) =>
    events.find(({ type, item }) => type === `response.output_item.${name}` && item.type === "reasoning"),
  );
  expect(added.item.encrypted_content).not.toBe(done.item.encrypted_content);
  expect(events.at(-1).response.output[0]).toEqual(done.item);
});

test.each([false, true])("a loop over Messages, streamed: %p", async (isStreamed) => {
  await using mock = await startAnthropic(script);
  const client = rawClient(mock, "messages");
  const messages: object[] = [{ role: "user", content: "read" }];
  const tools = [{ name: "read", input_schema: schema }];
  for (let hop = 0; hop < 4; hop++) {
    const body = { model: "claude-opus-5-5", max_tokens: 1000, messages, tools };
    const content: Block[] = isStreamed ? contentOf(await client.stream(body)) : (await client.post(body)).body.content;
    messages.push({ role: "assistant", content });
    const results = content
      .filter(({ type }) => type === "tool_use")
      .map(({ id, input }) => ({ type: "tool_result", tool_use_id: id, content: JSON.stringify(input) }));
    if (results.length > 0) messages.push({ role: "user", content: results });
  }
  expect(messages.at(-1)).toMatchObject({ content: [{ type: "thinking", thinking: "" }, { text: "All read." }] });
  expect(mock.hops.map(({ lostReasoning }) => lostReasoning)).toEqual([[], [], [], []]);
});

interface Block {
  type: string;
  id?: string;
  input?: unknown;
  [key: string]: unknown;
}

/** Folds the events of Messages into the content of the answer. */
function contentOf(events: Loose[]): Block[] {
  const content: Block[] = [];
  const texts: string[] = [];
  const deltas: Record<string, string> = {
    text_delta: "text",
    thinking_delta: "thinking",
    signature_delta: "signature",
  };
  for (const { type, index, content_block, delta } of events) {
    if (type === "content_block_start") content[index] = content_block;
    const block = content[index];
    if (type !== "content_block_delta" || !block) continue;
    const key = deltas[delta.type];
    if (key) block[key] = `${block[key]}${delta[key]}`;
    else texts[index] = (texts[index] ?? "") + delta.partial_json;
  }
  for (const [index, block] of content.entries())
    if (block.type === "tool_use") block.input = JSON.parse(texts[index] || "{}");
  return content;
}

test.each([false, true])("a loop over Gemini, streamed: %p", async (isStreamed) => {
  await using mock = await startGemini(script);
  const client = rawClient(mock, "gemini");
  const contents: object[] = [{ role: "user", parts: [{ text: "read" }] }];
  const tools = [{ functionDeclarations: [{ name: "read", parametersJsonSchema: schema }] }];
  for (let hop = 0; hop < 4; hop++) {
    const body = { contents, tools };
    const chunks = isStreamed ? await client.stream(body) : [(await client.post(body)).body];
    const parts = chunks.flatMap(({ candidates }) => candidates[0].content?.parts ?? []);
    expect(chunks.at(-1).candidates[0].finishReason).toBe("STOP");
    contents.push({ role: "model", parts });
    const results = parts
      .filter(({ functionCall }) => functionCall)
      .map(({ functionCall: { id, name, args } }) => ({ functionResponse: { id, name, response: { output: args } } }));
    if (results.length > 0) contents.push({ role: "user", parts: results });
  }
  const last = contents.at(-1) as { parts: { text: string; thoughtSignature?: string }[] };
  expect(last.parts.map(({ text }) => text).join("")).toBe("All read.");
  expect(last.parts.at(-1)).toEqual({ text: "", thoughtSignature: expect.any(String) });
  expect(mock.hops.map(({ lostReasoning }) => lostReasoning)).toEqual([[], [], [], []]);
});

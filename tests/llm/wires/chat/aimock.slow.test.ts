import { LLMock } from "@copilotkit/aimock";
import { expect, test } from "@jest/globals";
import type { CompletionRequest } from "../../../../src/core/chat.js";
import { clientOf } from "../../client-of.js";

/** A provider that somebody else wrote. */
async function startAimock(): Promise<AsyncDisposable & { url: string; mock: LLMock }> {
  const mock = new LLMock({ port: 0, chunkSize: 8 });
  await mock.start();
  return { mock, url: `${mock.url}/v1`, [Symbol.asyncDispose]: async () => void (await mock.stop()) };
}

const ask = (text: string): CompletionRequest => ({
  messages: [{ role: "user", content: [{ type: "text", text }] }],
  tools: [{ name: "add", description: "Adds", inputSchema: { type: "object" } }],
});

test("text and tool calls, streamed and whole, are the same completion", async () => {
  await using aimock = await startAimock();
  const toolCalls = [
    { id: "call_a", name: "add", arguments: '{"a":2,"b":40}' },
    { id: "call_b", name: "add", arguments: "{}" },
  ];
  aimock.mock.addFixture({ match: { userMessage: "add" }, response: { toolCalls } });
  aimock.mock.addFixture({ match: { userMessage: "hello" }, response: { content: "Grüße, 北京 🌍" } });
  await using ends = clientOf(aimock);
  for (const request of [ask("add"), ask("hello")]) {
    const [streamed, whole] = [
      await ends.ask({ streaming: true }, request),
      await ends.ask({ streaming: false }, request),
    ];
    expect({ ...streamed, usage: whole.usage }).toEqual(whole);
  }
  expect((await ends.ask({ streaming: true }, ask("add"))).message.toolCalls).toEqual(toolCalls);
  expect(ends.shown()).toBe("Grüße, 北京 🌍");
});

test("an error is repeated, a cut in the middle is an interrupted answer", async () => {
  await using aimock = await startAimock();
  const response = { content: "one two three four five six" };
  aimock.mock.addFixture({ match: { userMessage: "cut" }, response, truncateAfterChunks: 3, latency: 20 });
  aimock.mock.addFixture({ match: { userMessage: "hello" }, response });
  await using ends = clientOf(aimock);
  aimock.mock.nextRequestError(503);
  expect((await ends.ask({ streaming: true }, ask("hello"))).attempts).toBe(2);
  await expect(ends.ask({ streaming: true }, ask("cut"))).rejects.toMatchObject({ kind: "stream_interrupted" });
});

import { LLMock } from "@copilotkit/aimock";
import { describe, expect, test } from "@jest/globals";
import type { CompletionRequest } from "../../../src/core/messages.js";
import { clientOf } from "../client-of.js";

/** Starts a third-party provider. */
async function startAimock(version: string): Promise<AsyncDisposable & { url: string; mock: LLMock }> {
  const mock = new LLMock({ port: 0, chunkSize: 8 });
  await mock.start();
  return { mock, url: `${mock.url}/${version}`, [Symbol.asyncDispose]: async () => void (await mock.stop()) };
}

const ask = (text: string): CompletionRequest => ({
  messages: [{ role: "user", content: [{ type: "text", text }] }],
  tools: [{ name: "add", description: "Adds", inputSchema: { type: "object" } }],
});

const wires = [
  { wire: "chat", version: "v1", model: "m1" },
  { wire: "responses", version: "v1", model: "gpt-5.6-sol" },
  { wire: "messages", version: "v1", model: "claude-opus-5-5" },
  { wire: "gemini", version: "v1beta", model: "gemini-3.5-pro" },
] as const;

describe.each(wires)("over $wire", ({ wire, version, model }) => {
  test("text and tool calls, streamed and whole, are the same completion", async () => {
    await using aimock = await startAimock(version);
    const toolCalls = [
      { id: "call_a", name: "add", arguments: '{"a":2,"b":40}' },
      { id: "call_b", name: "add", arguments: "{}" },
    ];
    aimock.mock.addFixture({ match: { userMessage: "add" }, response: { toolCalls } });
    aimock.mock.addFixture({ match: { userMessage: "hello" }, response: { content: "Grüße, 北京 🌍" } });
    await using ends = clientOf(aimock, {}, { wire, model });
    for (const request of [ask("add"), ask("hello")]) {
      const [streamed, whole] = [
        await ends.ask({ streaming: true }, request),
        await ends.ask({ streaming: false }, request),
      ];
      const { kept: _, ...message } = whole.message;
      // The ids in `kept` differ in each answer.
      expect({ ...streamed, usage: whole.usage }).toMatchObject({ ...whole, message });
    }
    expect((await ends.ask({ streaming: true }, ask("add"))).message.toolCalls).toEqual(toolCalls);
    expect(ends.shown()).toBe("Grüße, 北京 🌍");
  });

  test("an error is repeated, a cut in the middle is an interrupted answer", async () => {
    await using aimock = await startAimock(version);
    const response = { content: "one two three four five six" };
    aimock.mock.addFixture({ match: { userMessage: "cut" }, response, truncateAfterChunks: 3, latency: 20 });
    aimock.mock.addFixture({ match: { userMessage: "hello" }, response });
    await using ends = clientOf(aimock, {}, { wire, model });
    aimock.mock.nextRequestError(503);
    expect((await ends.ask({ streaming: true }, ask("hello"))).attempts).toBe(2);
    await expect(ends.ask({ streaming: true }, ask("cut"))).rejects.toMatchObject({
      // The kind depends on how many events come before the words.
      kind: expect.stringMatching(/^(stream_interrupted|network)$/),
    });
  });
});

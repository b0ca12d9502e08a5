import { LLMock } from "@copilotkit/aimock";
import { expect, test } from "@jest/globals";
import type { StoredEvent } from "../../src/core/events.js";
import { collect, script, startApp, withoutNode } from "../support/app.js";

/** The results of parallel calls are stored as they arrive, so they are ordered by their calls here. */
function inOrder(one: StoredEvent, other: StoredEvent): number {
  const areResults = one.type === "tool_result" && other.type === "tool_result";
  return areResults ? one.callId.localeCompare(other.callId) : one.seq - other.seq;
}

test("against a provider that is not ours, streamed and whole, the same conversation leaves the same log", async () => {
  const mock = new LLMock({ port: 0, chunkSize: 8 });
  mock.addFixture({
    match: { userMessage: "sum", hasToolResult: false },
    response: {
      toolCalls: [
        { id: "call_a", name: "demo__add", arguments: '{"a":2,"b":40}' },
        { id: "call_b", name: "demo__echo", arguments: '{"text":"and this"}' },
      ],
    },
  });
  mock.addFixture({
    match: { userMessage: "sum", hasToolResult: true },
    response: { content: "The sum is 42, said in more than one chunk." },
  });
  await mock.start();
  try {
    const logs = [];
    for (const streaming of [true, false]) {
      const mcpServers = { demo: { ...script("dist/demo/mcp-server.js"), trusted: true } };
      await using app = await startApp({ llm: `${mock.url}/v1`, mcpServers });
      const session = app.sessions.open("c");
      const events = await collect(session.prompt({ requestId: "r", text: "the sum, please", streaming }));
      expect(events.some((event) => event.type === "text_delta")).toBe(streaming);
      const log = await session.history();
      logs.push(log.toSorted(inOrder).map(({ at: _, turnId: __, seq: ___, ...event }) => withoutNode(event)));
    }
    const [streamed, whole] = logs;
    expect(streamed?.map(({ type }) => type)).toEqual([
      "user_message",
      "assistant_message",
      "tool_call",
      "tool_call",
      "tool_sent",
      "tool_sent",
      "tool_result",
      "tool_result",
      "assistant_message",
      "turn_end",
    ]);
    expect(streamed).toEqual(whole);
  } finally {
    await mock.stop();
  }
});

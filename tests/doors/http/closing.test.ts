import { describe, expect, test } from "@jest/globals";
import { fixtureServer, startApp } from "../../support/app.js";
import { stall, startLlmServer, stream, toolCalls } from "../../support/llm-server.js";
import { openDoor, post } from "./door.js";

const messages = [{ role: "user", content: "hello" }];
const bodies = {
  "chat/completions": { model: "m1", messages },
  responses: { model: "m1", input: "hello" },
  messages: { model: "m1", max_tokens: 10, messages },
};
const calls = (Object.keys(bodies) as (keyof typeof bodies)[]).flatMap((path) =>
  [false, true].map((stream) => [path, stream] as const),
);
const callsTool = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);

/** Makes a call, and tells the host to end while the model answers its last request. Returns the answer and how the turn ended. */
async function closedDuring(
  path: keyof typeof bodies,
  { isStream, steps, id }: { isStream: boolean; steps: Parameters<typeof startLlmServer>[0]; id?: string },
) {
  await using llm = await startLlmServer(steps);
  await using app = await startApp({
    llm: llm.url,
    mcpServers: { s: fixtureServer() },
    config: { chat: { service: { approval: "auto" } } },
  });
  await using door = await openDoor(app);
  const requests = Array.isArray(steps) ? steps.length : 1;
  const headers = {
    authorization: `Bearer ${door.token}`,
    "x-conversation-id": "c",
    ...(id && { "x-request-id": id }),
  };
  const answering = post(`${door.url}/v1/${path}`, { ...bodies[path], stream: isStream }, headers);
  await llm.received(requests);
  let stopReason: string | undefined;
  app.sessions.open("c").turns.listen((event) => {
    if (event.type === "turn_end") stopReason = event.stopReason;
  });
  await app.sessions.drain(0);
  const answer = await answering;
  return { status: answer.status, retry: answer.headers.get("x-should-retry"), text: await answer.text(), stopReason };
}

describe("a host that is told to end during a call", () => {
  test.each(calls)(
    "without a request id, which ran no tool, says that a repetition is safe: %s, streamed %s",
    async (path, isStream) => {
      const { status, retry, text, stopReason } = await closedDuring(path, { isStream, steps: [stream([stall])] });
      expect([status, retry, stopReason]).toEqual([503, "true", "cancelled"]);
      expect(text).toMatch(/this call was cancelled/);
      expect(text).not.toMatch(/send the same|X-Request-Id/i);
    },
  );

  test.each(calls)(
    "without a request id, whose tools have run, does not ask for a repetition: %s, streamed %s",
    async (path, isStream) => {
      const { status, retry, text, stopReason } = await closedDuring(path, {
        isStream,
        steps: [callsTool, stream([stall])],
      });
      if (!isStream) expect([status, retry]).toEqual([400, "false"]);
      expect(text).toMatch(/Tools have run in this call/);
      expect(stopReason).toBe("cancelled");
    },
  );

  test.each(calls)("with a request id asks for it again: %s, streamed %s", async (path, isStream) => {
    const { status, retry, text, stopReason } = await closedDuring(path, {
      isStream,
      steps: [callsTool, stream([stall])],
      id: "r",
    });
    if (!isStream) expect([status, retry]).toEqual([503, "true"]);
    expect(text).toMatch(/send the same request_id again/);
    expect(stopReason).toBeUndefined();
  });
});

import { expect, test } from "@jest/globals";
import { z } from "zod";
import { type Prompt, TurnError } from "../../src/index.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { answer, chunk, failure, type Step, stall, startLlmServer, stream, toolCalls } from "../support/llm-server.js";

async function started(steps: Step[], mcpServers: Record<string, object> = {}) {
  const llm = await startLlmServer(steps);
  const app = await startApp({ llm: llm.url, mcpServers, config: { chat: { service: { approval: "ask" } } } });
  const ask = (prompt: Prompt) => app.sessions.open("c").prompt(prompt);
  const close = async () => {
    await app.close();
    await llm[Symbol.asyncDispose]();
  };
  return { llm, app, ask, [Symbol.asyncDispose]: close };
}

test("text() resolves with the last answer, and each prompt without a request id is a new turn", async () => {
  await using host = await started([answer("one"), answer("two")]);
  const [first, second] = [host.ask({ text: "hi" }), host.ask({ text: "hi" })];
  expect(await first.text()).toBe("one");
  expect(await second.text()).toBe("two");
  expect(first.requestId).not.toBe(second.requestId);
});

test("object() asks for the schema, and resolves with the value that the schema made of the answer", async () => {
  await using host = await started([answer('{"people": "12"}'), answer('{"people": 3}')]);
  const people = z.string().transform(Number);
  const city: { people: number } = await host.ask({ text: "a city" }).object(z.object({ people }));
  expect(city).toEqual({ people: 12 });
  expect(JSON.stringify(host.llm.requests[0]?.body)).toContain('"people":{"type":"string"}');
  const plain = { type: "object", properties: { people: { type: "number" } } };
  expect(await host.ask({ text: "a city" }).object(plain)).toEqual({ people: 3 });
});

test("a rule that no JSON Schema states is checked too", async () => {
  await using host = await started([answer('{"people": 3}')]);
  const even = z.object({ people: z.number().refine((count) => count % 2 === 0, "must be even") });
  const asked = host.ask({ text: "a city" }).object(even);
  await expect(asked).rejects.toMatchObject({ kind: "output", message: expect.stringContaining("must be even") });
});

test("a failed turn rejects with a TurnError of the same kind", async () => {
  await using host = await started([failure(401)]);
  const failed = host.ask({ text: "hi" }).text();
  await expect(failed).rejects.toBeInstanceOf(TurnError);
  await expect(failed).rejects.toMatchObject({ kind: "auth", retryable: false });
});

test("nobody sees the questions of text(), so they are answered with no at once", async () => {
  const call = toolCalls([{ name: "s__echo", arguments: {} }]);
  await using host = await started([call, answer("without it")], { s: fixtureServer() });
  expect(await host.ask({ text: "go" }).text()).toBe("without it");
});

test("the signal cancels the turn, also before it begins", async () => {
  await using host = await started([stream([chunk({ content: "half" }), stall])]);
  const stopping = new AbortController();
  const events = host.ask({ text: "hi", streaming: true, signal: stopping.signal });
  const types: string[] = [];
  for await (const event of events) {
    types.push(event.type);
    if (event.type === "text_delta") stopping.abort();
    if (event.type === "turn_end") expect(event.stopReason).toBe("cancelled");
  }
  expect(types.at(-1)).toBe("turn_end");
  await expect(host.ask({ text: "hi", signal: stopping.signal }).text()).rejects.toMatchObject({ name: "AbortError" });
  expect(host.llm.requests).toHaveLength(1);
});

test("text() beside a loop over the events is refused", async () => {
  await using host = await started([answer("one")]);
  const events = host.ask({ text: "hi" });
  await collect(events);
  await expect(events.text()).rejects.toMatchObject({
    kind: "usage",
    message: expect.stringContaining("in place of the loop"),
  });
});

import { readFileSync } from "node:fs";
import { afterEach, expect, jest, test } from "@jest/globals";
import { fixtureServer, startApp } from "../support/app.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";

afterEach(() => void jest.useRealTimers());

test("a host without questionTimeoutMs answers a question with no after the time in the documentation", async () => {
  expect(readFileSync("docs/library.md", "utf8")).toContain("nobody answers within 5 minutes is answered with no");
  const documentedMs = 5 * 60 * 1000;
  await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("without it")]);
  const config = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
  await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config });
  await app.ready();
  const session = app.sessions.open("c");
  jest.useFakeTimers({ doNotFake: ["performance", "nextTick", "setImmediate", "queueMicrotask"] });
  const answers: unknown[] = [];
  for await (const event of session.prompt({ requestId: "r", text: "go" })) {
    if (event.type === "answer") answers.push(event.value);
    if (event.type !== "question") continue;
    await new Promise(setImmediate); // the turn now waits for the answer
    jest.advanceTimersByTime(documentedMs - 1);
    await new Promise(setImmediate);
    expect(session.questions.isOpen(event.questionId)).toBe(true);
    jest.advanceTimersByTime(1);
    await new Promise(setImmediate);
    expect(session.questions.isOpen(event.questionId)).toBe(false);
  }
  expect(answers).toEqual([false]);
});

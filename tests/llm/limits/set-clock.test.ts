/** Waits and limits while the clock of the machine is set. */
import { expect, test } from "@jest/globals";
import type { HttpConfig, ProviderConfig } from "../../../src/core/config.js";
import { LlmClient } from "../../../src/llm/client.js";
import { llmConfig } from "../../support/llm-config.js";
import { answer, failure, type LlmServer, startLlmServer } from "../../support/llm-server.js";
import { baseRequest } from "../client-of.js";

const hourMs = 3_600_000;
const hi = answer("hi");

/** Returns a client whose clock is set by an hour whenever it is read. `pass` lets time pass. */
function clientOf(server: LlmServer, setByMs: number, http: Partial<HttpConfig>, provider: ProviderConfig = {}) {
  let [wall, steady] = [Date.now(), 0];
  const client = new LlmClient(llmConfig(server.url, http, provider), {
    env: {},
    observe: () => {},
    now: () => (wall += setByMs),
    steadyNow: () => steady,
  });
  const ask = () =>
    client.complete(baseRequest, { streaming: true }).then(
      ({ message }) => message.content,
      ({ kind }: { kind: string }) => kind,
    );
  const pass = (ms: number) => {
    steady += ms;
  };
  return { ask, pass, [Symbol.asyncDispose]: async () => client.close() };
}

test.each([[-hourMs], [hourMs]])("a clock that is set by %d ms changes no pause of a breaker", async (setByMs) => {
  await using server = await startLlmServer([...Array.from({ length: 5 }, () => failure(500)), hi]);
  await using ends = clientOf(server, setByMs, { maxRetries: 0 });
  for (let count = 0; count < 5; count++) expect(await ends.ask()).toBe("server");
  ends.pass(9_999);
  expect(await ends.ask()).toBe("server");
  expect(server.requests).toHaveLength(5);
  ends.pass(1);
  expect(await ends.ask()).toBe("hi");
});

test.each([[-hourMs], [hourMs]])("a clock that is set by %d ms changes no requests per minute", async (setByMs) => {
  await using server = await startLlmServer([hi, hi]);
  await using ends = clientOf(server, setByMs, { queueTimeoutMs: 0 }, { rpm: 1 });
  expect(await ends.ask()).toBe("hi");
  ends.pass(59_999);
  expect(await ends.ask()).toBe("queue_timeout");
  ends.pass(1);
  expect(await ends.ask()).toBe("hi");
});

test.each([[-hourMs], [hourMs]])("a request is repeated although the clock is set by %d ms", async (setByMs) => {
  await using server = await startLlmServer([failure(500), hi]);
  await using ends = clientOf(server, setByMs, { maxRetries: 1, initialRetryDelayMs: 1 });
  expect(await ends.ask()).toBe("hi");
});

/** The breaker in a client. The rules of the breaker itself are in breaker.test.ts. */
import { expect, test } from "@jest/globals";
import { LlmClient } from "../../../src/llm/client.js";
import { llmConfig } from "../../support/llm-config.js";
import { answer, chunk, failure, startLlmServer, stream } from "../../support/llm-server.js";
import { Signal } from "../../support/signal.js";
import { REQUEST } from "../client-of.js";

test("after an outage all calls are answered again while the answer that showed it is still being streamed", async () => {
  const ended = new Signal();
  const slow = stream([
    chunk({ content: "be" }),
    () => ended.given,
    chunk({ content: "gun" }, "stop"),
    "data: [DONE]\n\n",
  ]);
  await using server = await startLlmServer([...Array.from({ length: 5 }, () => failure(500)), slow, answer("hi")]);
  let now = 0;
  const config = llmConfig(server.url, { maxRetries: 0 });
  const client = new LlmClient(config, { env: {}, observe: () => {}, steadyNow: () => now });
  const ask = (onDelta = () => {}) =>
    client.complete(REQUEST, { streaming: true, onDelta }).then(({ message }) => message.content);
  for (let count = 0; count < 5; count++) await expect(ask()).rejects.toMatchObject({ kind: "server" });
  now += 10_000;
  const begun = new Signal();
  const long = ask(begun.give);
  await begun.given;
  expect(await ask()).toBe("hi");
  ended.give();
  expect(await long).toBe("begun");
  await client.close();
});

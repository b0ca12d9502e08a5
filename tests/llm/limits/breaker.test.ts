import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import type { LlmErrorKind } from "../../../src/core/errors.js";
import { LlmError } from "../../../src/core/errors.js";
import type { Observation } from "../../../src/core/ports.js";
import { Breaker } from "../../../src/llm/limits/breaker.js";
import { resolveModel } from "../../../src/llm/providers/providers.js";
import { llmConfig } from "../../support/llm-config.js";

beforeEach(() => {
  jest.useFakeTimers({ now: 1_000_000_000_000 });
});
afterEach(() => {
  jest.useRealTimers();
});

function start() {
  const observed: Observation[] = [];
  const observe = (event: Observation) => observed.push(event);
  const breaker = new Breaker("test/m1", { now: Date.now, steadyNow: Date.now, observe });
  const asked = { ...resolveModel(llmConfig("http://127.0.0.1:1/v1"), {}), attempts: 0 };
  let calls = 0;
  const run = (outcome: LlmErrorKind | "answer" | Promise<string>) =>
    breaker
      .run(asked, async () => {
        calls++;
        if (typeof outcome !== "string" || outcome === "answer") return outcome;
        throw new LlmError(outcome, `test/m1: ${outcome} it said`, { status: 503 });
      })
      .catch((error: unknown) => error);
  const fail = async (kind: LlmErrorKind, times: number) => {
    for (let count = 0; count < times; count++) await run(kind);
  };
  return { run, fail, observed, calls: () => calls };
}

test("opens when more than half of at least five calls failed, and says when it will be asked again", async () => {
  const { run, fail, calls, observed } = start();
  await fail("overloaded", 4);
  await run("answer");
  expect(calls()).toBe(5);
  await fail("server", 1);
  const error = await run("answer");
  expect(calls()).toBe(6);
  expect(error).toMatchObject({ kind: "server", status: 503, attempts: 0, retryable: true, retryAfterMs: 10_000 });
  expect((error as LlmError).message).toBe(
    "test/m1: not asked, since its last requests failed (server it said); it is tried again in 10 s, at 2001-09-09T01:46:50.000Z",
  );
  expect(observed).toMatchObject([{ level: "warn", fields: { model: "test/m1", kind: "server", pauseMs: 10_000 } }]);
});

test("stays closed while half of the calls are answered", async () => {
  const { run, fail } = start();
  for (let count = 0; count < 5; count++) await run("answer");
  await fail("overloaded", 5);
  expect(await run("answer")).toBe("answer");
});

test("failures before a trial that succeeded do not count", async () => {
  const { run, fail } = start();
  await fail("overloaded", 5);
  jest.setSystemTime(Date.now() + 10_000);
  await run("answer");
  await fail("overloaded", 3);
  expect(await run("answer")).toBe("answer");
});

test("only the calls of the last 30 s count", async () => {
  const { run, fail } = start();
  await fail("overloaded", 4);
  jest.setSystemTime(Date.now() + 30_000);
  await fail("server", 4);
  expect(await run("answer")).toBe("answer");
  jest.setSystemTime(Date.now() + 29_000);
  await fail("server", 1);
  expect(await run("answer")).toMatchObject({ kind: "server" });
});

test.each<LlmErrorKind>([
  "bad_request",
  "auth",
  "quota",
  "rate_limit",
  "context_length",
  "content_filter",
  "model_gone",
  "tool_generation_failed",
  "queue_timeout",
  "total_timeout",
  "aborted",
])("%s says nothing of the provider's health", async (kind) => {
  const { run, fail } = start();
  await fail(kind, 30);
  expect(await run("answer")).toBe("answer");
});

test("after a while one call tries it, and others do not wait for that", async () => {
  const { run, fail, calls, observed } = start();
  await fail("connect", 5);
  jest.setSystemTime(Date.now() + 10_000);
  let answer = (_text: string) => {};
  const trial = run(
    new Promise((resolve) => {
      answer = resolve;
    }),
  );
  const refused = (await run("answer")) as LlmError;
  expect(refused.kind).toBe("connect");
  expect(refused.message).toMatch(/a request that tries it again is under way$/);
  expect(calls()).toBe(6);
  answer("back");
  expect(await trial).toBe("back");
  expect(await run("answer")).toBe("answer");
  expect(observed.at(-1)).toMatchObject({ level: "info", message: "answers again" });
});

test("a trial that fails keeps it closed to others for as long again", async () => {
  const { run, fail, calls } = start();
  await fail("timeout", 5);
  jest.setSystemTime(Date.now() + 10_000);
  await fail("timeout", 1);
  expect(await run("answer")).toMatchObject({ kind: "timeout", retryAfterMs: 10_000 });
  expect(calls()).toBe(6);
});

test("an answer that broke off does not make the next call look interrupted", async () => {
  const { run, fail } = start();
  await fail("stream_interrupted", 5);
  expect(await run("answer")).toMatchObject({ kind: "server" });
});

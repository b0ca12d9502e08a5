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
  const breaker = new Breaker("test/m1", { steadyNow: Date.now, observe });
  const asked = { ...resolveModel(llmConfig("http://127.0.0.1:1/v1"), {}), attempts: 0 };
  let calls = 0;
  const run = (outcome: LlmErrorKind | "answer" | ((onBegun: () => void) => Promise<string>)) =>
    breaker
      .run(asked, async (onBegun) => {
        calls++;
        if (outcome === "answer") return outcome;
        if (typeof outcome === "function") return outcome(onBegun);
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
    "test/m1: not asked, because its last requests failed (server it said); it is tried again in 10 s",
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
])("%s says nothing about the provider's health", async (kind) => {
  const { run, fail } = start();
  await fail(kind, 30);
  expect(await run("answer")).toBe("answer");
});

test.each<LlmErrorKind>(["queue_timeout", "total_timeout", "aborted"])(
  "a trial that ends with %s decides nothing, and the next call is the trial",
  async (kind) => {
    const { run, fail, observed } = start();
    await fail("connect", 5);
    jest.setSystemTime(Date.now() + 10_000);
    await run(kind);
    expect(observed).toHaveLength(1);
    const slow = slowAnswer();
    const trial = run(slow.ask);
    expect(await run("answer")).toMatchObject({ kind: "connect" });
    slow.end("back");
    expect(await trial).toBe("back");
    expect(observed.at(-1)).toMatchObject({ level: "info", message: "answers again" });
  },
);

test("a trial that the provider refuses closes the breaker, because the provider answers", async () => {
  const { run, fail, observed } = start();
  await fail("connect", 5);
  jest.setSystemTime(Date.now() + 10_000);
  await run("bad_request");
  expect(observed.at(-1)).toMatchObject({ level: "info", message: "answers again" });
  expect(await run("answer")).toBe("answer");
});

/** An answer that a test begins and ends. */
function slowAnswer() {
  const slow = { begin: () => {}, end: (_text: string) => {}, fail: (_error: Error) => {} };
  const whole = new Promise<string>((resolve, reject) => {
    slow.end = resolve;
    slow.fail = reject;
  });
  const ask = (onBegun: () => void) => {
    slow.begin = onBegun;
    return whole;
  };
  return Object.assign(slow, { ask });
}

test("after a while one call is the trial, and others do not wait for it", async () => {
  const { run, fail, calls, observed } = start();
  await fail("connect", 5);
  jest.setSystemTime(Date.now() + 10_000);
  const slow = slowAnswer();
  const trial = run(slow.ask);
  const refused = (await run("answer")) as LlmError;
  expect(refused).toMatchObject({ kind: "connect", retryAfterMs: 10_000 });
  expect(refused.message).toContain("another request is trying it now; the next try is possible in 10 s");
  expect(calls()).toBe(6);
  slow.end("back");
  expect(await trial).toBe("back");
  expect(await run("answer")).toBe("answer");
  expect(observed.at(-1)).toMatchObject({ level: "info", message: "answers again" });
});

test("a trial succeeds when its answer begins, however long the answer is", async () => {
  const { run, fail, observed } = start();
  await fail("server", 5);
  jest.setSystemTime(Date.now() + 10_000);
  const slow = slowAnswer();
  const trial = run(slow.ask);
  slow.begin();
  expect(observed.at(-1)).toMatchObject({ level: "info", message: "answers again" });
  expect(await run("answer")).toBe("answer");
  slow.fail(new LlmError("stream_interrupted", "broke off", {}));
  expect(await trial).toMatchObject({ kind: "stream_interrupted" });
  expect(await run("answer")).toBe("answer");
});

test("while a trial waits for its answer, another call may try every 10 s; the first answer counts", async () => {
  const { run, fail, calls } = start();
  await fail("server", 5);
  jest.setSystemTime(Date.now() + 10_000);
  const slow = slowAnswer();
  const trial = run(slow.ask);
  jest.setSystemTime(Date.now() + 9_999);
  expect(await run("answer")).toMatchObject({ kind: "server" });
  jest.setSystemTime(Date.now() + 1);
  expect(await run("answer")).toBe("answer");
  expect(calls()).toBe(7);
  slow.fail(new LlmError("ttft_timeout", "nothing came", {}));
  expect(await trial).toMatchObject({ kind: "ttft_timeout" });
  expect(await run("answer")).toBe("answer");
});

test("a trial succeeds although another one has failed meanwhile", async () => {
  const { run, fail } = start();
  await fail("server", 5);
  jest.setSystemTime(Date.now() + 10_000);
  const slow = slowAnswer();
  const trial = run(slow.ask);
  jest.setSystemTime(Date.now() + 10_000);
  await fail("server", 1);
  slow.begin();
  expect(await run("answer")).toBe("answer");
  slow.end("whole");
  expect(await trial).toBe("whole");
});

test("an answer that began before the failures does not close the breaker", async () => {
  const { run, fail } = start();
  const slow = slowAnswer();
  const early = run(slow.ask);
  await fail("server", 5);
  slow.begin();
  slow.end("whole");
  await early;
  expect(await run("answer")).toMatchObject({ kind: "server" });
});

test("a trial that fails keeps the breaker open for as long again", async () => {
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

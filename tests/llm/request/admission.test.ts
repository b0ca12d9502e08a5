import { describe, expect, test } from "@jest/globals";
import { llmConfig } from "../../support/llm-config.js";
import {
  answer,
  beforeHeaders,
  chunk,
  cutStream,
  failure,
  reset,
  type Step,
  stall,
  startLlmServer,
  stream,
} from "../../support/llm-server.js";
import { baseRequest, clientOf, clientWith } from "../client-of.js";

const hi = answer("hi");

/** Returns a step that answers once `open` is called. */
function held(step: Step = hi): { step: Step; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { step: (response, request) => void opened.then(() => step(response, request)), open };
}

/** Counts how many requests are at the server at once, at most. Answers none of them before `slots` have been there at once. */
function counting(step: Step, slots: number) {
  const at = { once: 0, most: 0 };
  const full = held(step);
  const counted: Step = (response, request) => {
    at.most = Math.max(at.most, ++at.once);
    response.once("close", () => at.once--);
    full.step(response, request);
    if (at.once >= slots) full.open();
  };
  return { at, step: counted };
}

const debugs = ({ observed }: ReturnType<typeof clientOf>, message: string) =>
  observed.filter((event) => event.level === "debug" && event.message === message).map(({ fields }) => fields);

describe.each([{ streaming: true }, { streaming: false }])("streaming: $streaming", ({ streaming }) => {
  test("the provider gets no more requests at once than max_concurrency, and the log counts the waiting ones", async () => {
    const { at, step } = counting(hi, 3);
    await using server = await startLlmServer(() => step);
    await using ends = clientOf(server, {}, { maxConcurrency: 3 });
    await Promise.all(Array.from({ length: 20 }, () => ends.ask({ streaming })));
    expect([at.most, server.connections]).toEqual([3, 3]);
    const waits = debugs(ends, "waited for a free slot");
    expect(waits[0]).toMatchObject({ provider: "test", model: "m1", waitMs: expect.any(Number), limit: 3, active: 3 });
    expect(waits.map((fields) => fields?.queued)).toContain(10);
  });

  test.each([
    ["llm.http.max_connections", { maxConnections: 1 }, {}],
    ["llm.providers.test.max_concurrency", {}, { maxConcurrency: 1 }],
  ])(
    "a wait that is too long is a queue_timeout that names the limit, its value and %s",
    async (key, http, provider) => {
      const { step, open } = held();
      await using server = await startLlmServer([step]);
      await using ends = clientOf(server, { queueTimeoutMs: 50, ...http }, provider);
      const first = ends.ask({ streaming });
      const error = await ends.fails({ streaming });
      expect(error).toMatchObject({ kind: "queue_timeout", retryable: true, attempts: 0 });
      expect(error.hint).toBe(`Try again, or raise ${key}.`);
      expect(error.message).toBe(
        `test/m1: no free slot within 50 ms (llm.http.queue_timeout): the limit is 1 request at once (${key})`,
      );
      open();
      await first;
    },
  );

  test("a cancelled call leaves the queue at once, sends nothing and leaves the slot to the next one", async () => {
    const { step, open } = held();
    await using server = await startLlmServer([step, hi]);
    await using ends = clientOf(server, { maxConnections: 1 });
    const first = ends.ask({ streaming });
    await server.received(1);
    const controller = new AbortController();
    const second = ends.fails({ streaming, signal: controller.signal });
    const third = ends.ask({ streaming });
    await new Promise(setImmediate);
    const abortedAt = performance.now();
    controller.abort();
    expect(await second).toMatchObject({ kind: "aborted", attempts: 0 });
    expect(performance.now() - abortedAt).toBeLessThan(5_000);
    open();
    await Promise.all([first, third]);
    expect(server.requests).toHaveLength(2);
  });

  test("the total time limit counts the queue", async () => {
    await using server = await startLlmServer(() => beforeHeaders(stall));
    await using ends = clientOf(server, { maxConnections: 1, totalTimeoutMs: 200 });
    const both = await Promise.all([ends.fails({ streaming }), ends.fails({ streaming })]);
    expect(both.map(({ kind }) => kind)).toEqual(["total_timeout", "total_timeout"]);
  });

  test.each<[string, Step, object]>([
    ["refused", failure(400), { kind: "bad_request" }],
    ["out of retries", failure(500), { kind: "server" }],
    ["reset", stream([reset]), { kind: "network" }],
  ])("the slot of a call that was %s is free again", async (_, step, expected) => {
    await using server = await startLlmServer([step, hi]);
    await using ends = clientOf(server, { maxConnections: 1, maxRetries: 0, queueTimeoutMs: 500 });
    expect(await ends.fails({ streaming })).toMatchObject(expected);
    await ends.ask({ streaming });
  });

  test("a caller that cancels while it waits for a retry leaves the slot at once", async () => {
    await using server = await startLlmServer([failure(503), hi]);
    await using ends = clientOf(server, { maxConnections: 1, initialRetryDelayMs: 30_000, maxRetryDelayMs: 30_000 });
    const controller = new AbortController();
    const first = ends.fails({ streaming, signal: controller.signal });
    await server.received(1);
    while (!ends.observed.some(({ level }) => level === "warn")) await new Promise(setImmediate);
    const second = ends.ask({ streaming });
    controller.abort();
    expect((await first).kind).toBe("aborted");
    await second;
  });

  test("while a provider pauses, a call that refuses the pause gets its rest at once; other calls wait for its end", async () => {
    const times: number[] = [];
    const steps = [failure(429, { headers: { "retry-after-ms": "400" } })];
    await using server = await startLlmServer(() => {
      times.push(performance.now());
      return steps.shift() ?? hi;
    });
    await using ends = clientOf(server, { queueTimeoutMs: 100 });
    const first = ends.ask({ streaming });
    while (!ends.observed.some(({ level }) => level === "warn")) await new Promise(setImmediate);
    const others = [ends.ask({ streaming }), ends.ask({ streaming })];
    const refused = await ends.fails({ streaming }, { ...baseRequest, refusesPause: true });
    expect(refused).toMatchObject({ kind: "rate_limit", status: 429, retryable: true, attempts: 0 });
    expect(refused.retryAfterMs).toBeLessThanOrEqual(440);
    expect(refused.message).toMatch(
      /^test\/m1: not asked, since it refuses requests for now \(.+\); it is asked again in \d+ ms$/,
    );
    expect(server.requests).toHaveLength(1);
    await Promise.all([first, ...others]);
    await ends.ask({ streaming }, { ...baseRequest, refusesPause: true });
    expect(server.requests).toHaveLength(5);
    const [start = 0, ...later] = times;
    for (const time of later) expect(time - start).toBeGreaterThanOrEqual(395);
    expect(ends.observed.map(({ message }) => message)).toContain(
      "waiting, since the provider refuses requests for now",
    );
  });

  test("the host's own back-off after a 429 is such a pause too, also after the last retry", async () => {
    const steps = [failure(429), failure(429)];
    await using server = await startLlmServer(() => steps.shift() ?? hi);
    await using ends = clientOf(server, { maxRetries: 1, retryMultiplier: 400, maxRetryDelayMs: 400 });
    expect(await ends.fails({ streaming })).toMatchObject({ kind: "rate_limit", attempts: 2 });
    for (let again = 0; again < 5; again++) {
      expect(await ends.fails({ streaming }, { ...baseRequest, refusesPause: true })).toMatchObject({
        kind: "rate_limit",
        attempts: 0,
      });
    }
    expect(server.requests).toHaveLength(2);
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 1 });
  });

  test("without retries no call waits for a pause: a fallback is asked meanwhile", async () => {
    await using server = await startLlmServer(() => failure(429, { headers: { "retry-after": "10" } }));
    await using other = await startLlmServer(() => hi);
    const config = llmConfig(server.url, { maxRetries: 0 });
    const providers = { ...config.providers, other: { ...config.providers.test, baseUrl: other.url } };
    await using both = clientWith({ ...config, providers, fallback: ["other/m1"] });
    for (let times = 0; times < 3; times++) expect((await both.ask({ streaming })).provider).toBe("other");
    expect([server.requests.length, other.requests.length]).toEqual([1, 3]);
  });

  test("a pause lasts at most llm.http.max_retry_after, and no call waits if the provider asks for more", async () => {
    await using server = await startLlmServer([failure(429, { headers: { "retry-after": "3600" } })]);
    await using ends = clientOf(server, { maxRetryAfterMs: 10_000 });
    expect(await ends.fails({ streaming })).toMatchObject({ kind: "rate_limit", attempts: 1 });
    const refused = await ends.fails({ streaming });
    expect(refused).toMatchObject({ kind: "rate_limit", attempts: 0 });
    expect(refused.retryAfterMs).toBeLessThanOrEqual(10_000);
  });

  test("overload leaves fewer slots, and its successes bring them back", async () => {
    const waiting = held();
    const { at, step: atOnce } = counting(waiting.step, 0);
    let step = failure(503);
    await using server = await startLlmServer(() => step);
    await using ends = clientOf(server, { maxConnections: 10, maxRetries: 0 });
    // Too few failures to open the breaker.
    await Promise.all(Array.from({ length: 3 }, () => ends.fails({ streaming })));
    expect(debugs(ends, "fewer requests at once")[0]).toMatchObject({ provider: "test", kind: "overloaded", limit: 7 });
    step = hi;
    await Promise.all(Array.from({ length: 7 + 8 + 9 }, () => ends.ask({ streaming })));
    step = atOnce;
    const asked = Array.from({ length: 12 }, () => ends.ask({ streaming }));
    await server.received(3 + 24 + 10);
    waiting.open();
    await Promise.all(asked);
    expect(at.most).toBe(10);
  });

  test("in an outage retries stop before they multiply the load", async () => {
    await using server = await startLlmServer(() => failure(500));
    await using ends = clientOf(server, { maxRetries: 10 });
    const attempts = [];
    for (let count = 0; count < 4; count++) attempts.push((await ends.fails({ streaming })).attempts);
    expect(attempts).toEqual([11, 1, 1, 1]);
    expect(ends.observed.some(({ message }) => message === "request failed, retry budget used up")).toBe(true);
    expect(server.requests).toHaveLength(14);
  });
});

test("a stream keeps its slot for its whole life", async () => {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const long = stream([chunk({ content: "begun " }), () => ended, chunk({ content: "done" }, "stop")]);
  await using server = await startLlmServer([long, hi]);
  await using ends = clientOf(server, { maxConnections: 1 });
  const first = ends.ask({ streaming: true });
  while (ends.shown() === "") await new Promise(setImmediate);
  const second = ends.ask({ streaming: true });
  for (let count = 0; count < 20; count++) await new Promise(setImmediate);
  expect(server.requests).toHaveLength(1);
  end();
  await Promise.all([first, second]);
});

test.each([
  ["cut", cutStream],
  ["stalled", stall],
])("the slot of a stream that was %s in the middle is free again", async (_, fault) => {
  await using server = await startLlmServer([stream([chunk({ content: "begun" }), fault]), hi]);
  await using ends = clientOf(server, { maxConnections: 1, idleTimeoutMs: 400, queueTimeoutMs: 500 });
  await ends.fails({ streaming: true });
  await ends.ask({ streaming: true });
});

test("rpm: a request beyond the limit waits, and fails with the limit if that takes too long", async () => {
  await using server = await startLlmServer([hi, failure(500), hi]);
  await using ends = clientOf(server, { queueTimeoutMs: 50 }, { rpm: 3 });
  await ends.ask({ streaming: true });
  expect(await ends.ask({ streaming: true })).toMatchObject({ attempts: 2 });
  const error = await ends.fails({ streaming: true });
  expect(error).toMatchObject({ kind: "queue_timeout", hint: "Try again, or raise llm.providers.test.rpm." });
  expect(error.message).toContain("the limit is 3 requests a minute (llm.providers.test.rpm)");
});

test("tpm: the usage that the provider reports counts, not the estimate", async () => {
  const large = answer("hi", { usage: { prompt_tokens: 600, completion_tokens: 400 } });
  await using server = await startLlmServer([hi, hi, hi, large]);
  await using ends = clientOf(server, { queueTimeoutMs: 50 }, { tpm: 1000 });
  // The request is estimated at some seventy tokens, and each answer uses fifteen.
  for (let count = 0; count < 4; count++) await ends.ask({ streaming: true });
  const error = await ends.fails({ streaming: true });
  expect(error.message).toContain("the limit is 1000 tokens a minute (llm.providers.test.tpm)");
});

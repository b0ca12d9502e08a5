import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import {
  answer,
  beforeHeaders,
  cutStream,
  failure,
  reset,
  stall,
  startLlmServer,
  stream,
} from "../../support/llm-server.js";
import { startSilentServer } from "../../support/silent-server.js";
import { clientOf } from "../client-of.js";

describe.each([{ streaming: true }, { streaming: false }])("streaming: $streaming", ({ streaming }) => {
  test("a failed attempt is repeated on the same connection, after its body was read to the end", async () => {
    const page = "x".repeat(50_000);
    await using server = await startLlmServer([failure(503), failure(429, { body: page }), answer("hello world")]);
    await using ends = clientOf(server);
    const completion = await ends.ask({ streaming });
    expect(completion).toEqual({
      message: { role: "assistant", content: "hello world", toolCalls: [] },
      finishReason: "stop",
      usage: { inputTokens: 10, outputTokens: 5 },
      provider: "test",
      model: "m1",
      attempts: 3,
    });
    expect(ends.shown()).toBe(streaming ? "hello world" : "");
    expect(server.requests).toHaveLength(3);
    expect(server.connections).toBe(1);
    expect(ends.observed.filter(({ level }) => level === "warn").map(({ fields }) => fields?.status)).toEqual([
      503, 429,
    ]);
  });

  test("a pool of one connection does not dead-lock on a failed attempt", async () => {
    await using server = await startLlmServer([failure(500), answer("one"), answer("two")]);
    await using ends = clientOf(server, { maxConnections: 1 });
    const answers = await Promise.all([ends.ask({ streaming }), ends.ask({ streaming })]);
    expect(answers.map(({ message }) => message.content).sort()).toEqual(["one", "two"]);
    expect(server.connections).toBe(1);
  });

  test.each([408, 409, 425, 429, 500, 502, 503, 504, 520, 524, 529])("%i is repeated", async (status) => {
    await using server = await startLlmServer([failure(status), answer("hello")]);
    await using ends = clientOf(server);
    expect((await ends.ask({ streaming })).attempts).toBe(2);
  });

  test.each([400, 401, 402, 403, 404, 413, 422, 501])("%i is not repeated", async (status) => {
    await using server = await startLlmServer([failure(status)]);
    await using ends = clientOf(server);
    const error = await ends.fails({ streaming });
    expect(error).toMatchObject({ status, attempts: 1, retryable: false, provider: "test", model: "m1" });
  });

  test("a redirect is not followed", async () => {
    await using server = await startLlmServer([failure(307, { headers: { location: "http://127.0.0.1:1/" } })]);
    await using ends = clientOf(server);
    expect((await ends.fails({ streaming })).kind).toBe("redirect");
  });

  test("connections that break before the headers are repeated", async () => {
    await using server = await startLlmServer([beforeHeaders(reset), beforeHeaders(cutStream), answer("hello")]);
    await using ends = clientOf(server);
    expect((await ends.ask({ streaming })).attempts).toBe(3);
  });

  test("silence before the headers is a timeout, and repeated", async () => {
    await using server = await startLlmServer([beforeHeaders(stall), answer("hello")]);
    await using ends = clientOf(server, { timeoutMs: 300 });
    expect((await ends.ask({ streaming })).attempts).toBe(2);
  });

  test("after max_retries the last failure is the error, with the true count of requests", async () => {
    await using server = await startLlmServer([failure(500), beforeHeaders(stall), failure(503)]);
    await using ends = clientOf(server, { maxRetries: 2, timeoutMs: 500 });
    expect(await ends.fails({ streaming })).toMatchObject({
      kind: "overloaded",
      status: 503,
      attempts: 3,
      retryable: true,
    });
  });

  test("failures before and after the headers share one count", async () => {
    const half = stream(["{", cutStream]);
    await using server = await startLlmServer([failure(500), half, failure(500), half]);
    await using ends = clientOf(server);
    expect((await ends.fails({ streaming })).attempts).toBe(4);
  });

  test("the call does not wait for a hint that is too long, and the error says when to try again", async () => {
    await using server = await startLlmServer([failure(429, { headers: { "retry-after": "9999999999" } })]);
    await using ends = clientOf(server);
    const error = await ends.fails({ streaming });
    expect(error).toMatchObject({ kind: "rate_limit", retryAfterMs: 9_999_999_999_000, attempts: 1 });
    expect(error.message).toMatch(
      /asks to wait 115740.7 days, until \d+ \w+ 2\d{3} \d\d:\d\d, longer than this host waits \(1 min\)/,
    );
  });

  test("the server's header about retries counts", async () => {
    const headers = { "x-should-retry": "false" };
    await using server = await startLlmServer([
      failure(501, { headers: { "x-should-retry": "true" } }),
      failure(503, { headers }),
    ]);
    await using ends = clientOf(server);
    expect((await ends.fails({ streaming })).attempts).toBe(2);
  });

  test("cancelling during a back-off is prompt", async () => {
    await using server = await startLlmServer([failure(503)]);
    await using ends = clientOf(server, { initialRetryDelayMs: 30_000, maxRetryDelayMs: 30_000 });
    const controller = new AbortController();
    const failed = ends.fails({ streaming, signal: controller.signal });
    await server.received(1);
    while (ends.observed.length === 0) await new Promise(setImmediate);
    const abortedAt = performance.now();
    controller.abort();
    expect((await failed).kind).toBe("aborted");
    expect(performance.now() - abortedAt).toBeLessThan(5_000);
  });

  test("a pause beyond the total time limit is not begun", async () => {
    await using server = await startLlmServer([failure(503)]);
    await using ends = clientOf(server, { initialRetryDelayMs: 9_000, maxRetryDelayMs: 9_000, totalTimeoutMs: 8_000 });
    expect(await ends.fails({ streaming })).toMatchObject({ kind: "overloaded", attempts: 1 });
  });

  test("an error contains neither key nor prompt", async () => {
    const body = {
      error: { message: "Incorrect API key provided: sk-test-0123456789. Bearer abcdefgh", code: "invalid_api_key" },
    };
    await using server = await startLlmServer([failure(401, { body }), beforeHeaders(reset)]);
    await using ends = clientOf(server, { maxRetries: 0 });
    for (const kind of ["auth", "network"]) {
      const error = await ends.fails({ streaming });
      expect(error.kind).toBe(kind);
      const dump = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + error.stack;
      expect(dump).not.toMatch(/0123456789|abcdefgh|secret prompt/);
    }
  });
});

test("the headers of a request", async () => {
  await using server = await startLlmServer([answer("hello")]);
  await using ends = clientOf(server, {}, { headers: { "X-Title": "mine" } });
  await ends.ask({ streaming: true });
  expect(server.requests[0]).toMatchObject({
    method: "POST",
    path: "/v1/chat/completions",
    headers: {
      authorization: "Bearer sk-test-0123456789",
      "content-type": "application/json",
      "user-agent": "MCP-Platform/1.0",
      "accept-encoding": "identity",
      "x-client-request-id": "req_new1",
      "x-title": "mine",
    },
  });
});

test("all attempts carry the same request id and the same body", async () => {
  await using server = await startLlmServer([failure(500), stream([cutStream]), answer("hello")]);
  await using ends = clientOf(server);
  await ends.ask({ streaming: true });
  const [first, ...others] = server.requests.map(({ headers, body }) => [headers["x-client-request-id"], body]);
  expect(others).toEqual([first, first]);
});

test("a refused connection is a connection error that is retried and says what to check", async () => {
  const server = await startLlmServer([]);
  await server[Symbol.asyncDispose]();
  await using ends = clientOf(server);
  const error = await ends.fails({ streaming: true });
  expect(error).toMatchObject({ kind: "connect", attempts: 4, retryable: true });
  expect(error.message).toContain("ECONNREFUSED");
  expect(error.hint).toContain("llm.providers.test.base_url");
});

test("an error body that never ends is given up", async () => {
  await using server = await startLlmServer([
    (response) => void response.writeHead(503).write("busy"),
    answer("hello"),
  ]);
  await using ends = clientOf(server, { maxConnections: 1 });
  expect((await ends.ask({ streaming: true })).attempts).toBe(2);
});

test("a connection that is never ready is a connect_timeout, which names its key", async () => {
  await using server = await startSilentServer();
  await using ends = clientOf({ url: server.url.replace("http:", "https:") }, { connectTimeoutMs: 50, maxRetries: 1 });
  const error = await ends.fails({ streaming: true });
  expect(error).toMatchObject({ kind: "connect_timeout", attempts: 2 });
  expect(error.message).toContain("50 ms (llm.http.connect_timeout)");
});

test("https to a server that speaks http is not retried", async () => {
  await using server = await startLlmServer([]);
  await using ends = clientOf({ url: server.url.replace("http:", "https:") });
  expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "connect", attempts: 1, retryable: false });
});

test("an invalid base_url is an error that names the key", async () => {
  await using server = await startLlmServer([]);
  await using ends = clientOf(server, {}, { baseUrl: "htp//nowhere" });
  const error = await ends.fails({ streaming: true });
  expect(error).toMatchObject({ kind: "bad_request", retryable: false });
  expect(error.hint).toContain("llm.providers.test");
});

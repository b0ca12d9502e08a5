import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import type { HttpConfig, LlmConfig, ProviderConfig } from "../../../src/core/config.js";
import { httpConfig } from "../../support/llm-config.js";
import {
  answer,
  beforeHeaders,
  chunk,
  cutStream,
  failure,
  json,
  type LlmServer,
  reset,
  type Step,
  stall,
  startLlmServer,
  stream,
} from "../../support/llm-server.js";
import { clientWith } from "../client-of.js";

interface Setup {
  http?: Partial<HttpConfig>;
  fallback?: readonly string[];
  providers?: Record<string, ProviderConfig>;
}

/** Returns a client whose active provider is `a`; the others follow in order. */
function chainOf(servers: Record<string, LlmServer>, { http, fallback, providers }: Setup = {}) {
  const names = Object.keys(servers);
  const config: LlmConfig = {
    active: "a",
    fallback: fallback ?? names.slice(1),
    streamRecovery: "auto",
    http: { ...httpConfig, maxRetries: 1, ...http },
    providers: Object.fromEntries(
      Object.entries(servers).map(([name, { url }]) => [
        name,
        { baseUrl: url, model: `${name}-model`, apiKey: `key-of-${name}-0123456789`, ...providers?.[name] },
      ]),
    ),
  };
  return clientWith(config);
}

const hi = answer("hi");
const always = (step: Step) => startLlmServer(() => step);
const warnings = ({ observed }: ReturnType<typeof clientWith>, message: string) =>
  observed.filter((event) => event.level === "warn" && event.message === message).map(({ fields }) => fields);

describe.each([{ streaming: true }, { streaming: false }])("streaming: $streaming", ({ streaming }) => {
  test("the next provider is asked after the retries; the completion names the one that answered and counts every request", async () => {
    await using a = await startLlmServer([failure(503), failure(503)]);
    await using b = await startLlmServer([hi]);
    await using ends = chainOf({ a, b });
    expect(await ends.ask({ streaming })).toMatchObject({ provider: "b", model: "b-model", attempts: 3 });
    expect(warnings(ends, "another provider is asked")).toEqual([
      { provider: "a", model: "a-model", kind: "overloaded", status: 503, next: "b/b-model" },
    ]);
  });

  const quota = failure(429, { body: { error: { message: "You exceeded it", code: "insufficient_quota" } } });
  test.each<[string, Step]>([
    ["401", failure(401)],
    ["402", failure(402)],
    ["404", failure(404)],
    ["a quota used up", quota],
    ["a wait beyond the cap", failure(429, { headers: { "retry-after": "3600" } })],
    ["x-should-retry: false", failure(500, { headers: { "x-should-retry": "false" } })],
  ])("%s fails over at once", async (_, step) => {
    await using a = await startLlmServer([step]);
    await using b = await startLlmServer([hi]);
    await using ends = chainOf({ a, b });
    expect(await ends.ask({ streaming })).toMatchObject({ provider: "b", attempts: 2 });
  });

  test.each<[string, Step]>([
    ["a reset", beforeHeaders(reset)],
    ["silence", beforeHeaders(stall)],
    [
      "an empty answer",
      json({ choices: [{ index: 0, message: { role: "assistant", content: "" }, finish_reason: null }] }),
    ],
    ["half an answer", json('{"choices":[{"mess')],
    ["an error inside a 200", json({ error: { message: "Overloaded", type: "overloaded_error" } })],
  ])("%s fails over after its retries", async (_, step) => {
    await using a = await always(step);
    await using b = await startLlmServer([hi]);
    await using ends = chainOf({ a, b }, { http: { timeoutMs: 800, ttftTimeoutMs: 800 } });
    expect(await ends.ask({ streaming })).toMatchObject({ provider: "b", attempts: 3 });
    expect(a.requests).toHaveLength(2);
  });

  const said = (status: number, code: string) => failure(status, { body: { error: { message: code, code } } });
  test.each<[string, Step, number?]>([
    ["bad_request", failure(400)],
    ["content_filter", said(400, "content_filter")],
    ["tool_generation_failed", said(400, "tool_use_failed"), 2],
    ["redirect", failure(307, { headers: { location: "/elsewhere" } })],
    ["html", json("<html><title>Login</title></html>")],
  ])("%s is not sent to another provider", async (kind, step, attempts = 1) => {
    await using a = await startLlmServer(Array<Step>(attempts).fill(step));
    await using b = await startLlmServer([]);
    await using ends = chainOf({ a, b });
    expect(await ends.fails({ streaming })).toMatchObject({ kind, provider: "a", attempts });
  });

  test("a context that is too long goes only to a model with a larger window", async () => {
    await using a = await startLlmServer([said(400, "context_length_exceeded")]);
    await using b = await startLlmServer([]);
    await using c = await startLlmServer([hi]);
    const providers = { a: { contextWindow: 1000 }, b: { contextWindow: 1000 }, c: { contextWindow: 2000 } };
    await using ends = chainOf({ a, b, c }, { providers });
    expect(await ends.ask({ streaming })).toMatchObject({ provider: "c", attempts: 2 });
  });

  test("if all fail, the first error quotes the others, counts all requests and holds no key", async () => {
    const refusal = { error: { message: "no such key: key-of-b-0123456789", code: "invalid_api_key" } };
    await using a = await startLlmServer([failure(500), failure(500)]);
    await using b = await startLlmServer([failure(401, { body: refusal })]);
    await using c = await startLlmServer([failure(400)]);
    await using ends = chainOf({ a, b, c });
    const error = await ends.fails({ streaming });
    expect(error).toMatchObject({ kind: "server", provider: "a", status: 500, attempts: 4, retryable: true });
    expect(error.message).toBe(
      "a/a-model: error 500: failure 500 [also: b/b-model: error 401: no such key: ***; c/c-model: error 400: failure 400]",
    );
    expect(inspect([error, ends.observed], { depth: 10 })).not.toMatch(/0123456789|secret prompt/);
  });

  test("all providers share one time limit", async () => {
    await using a = await startLlmServer([failure(500), failure(500)]);
    await using b = await startLlmServer([beforeHeaders(stall)]);
    await using c = await startLlmServer([]);
    await using ends = chainOf({ a, b, c }, { http: { totalTimeoutMs: 1_500 } });
    const error = await ends.fails({ streaming });
    expect(error).toMatchObject({ kind: "total_timeout", provider: "b", attempts: 3 });
    expect(error.message).toContain("[also: a/a-model: error 500");
  });

  test("the retries of all providers together are at most twice max_retries, and each is asked once", async () => {
    await using a = await always(failure(500));
    await using ends = chainOf({ a, b: a, c: a, d: a }, { http: { maxRetries: 2 } });
    expect(await ends.fails({ streaming })).toMatchObject({ attempts: 8 });
    expect(a.requests.map(({ body }) => body.model?.[0])).toEqual([..."aaabbbcd"]);
  });

  test("cancelling while the second provider is asked ends the call", async () => {
    await using a = await startLlmServer([failure(401)]);
    await using b = await startLlmServer([beforeHeaders(stall)]);
    await using c = await startLlmServer([]);
    await using ends = chainOf({ a, b, c });
    const controller = new AbortController();
    const failed = ends.fails({ streaming, signal: controller.signal });
    await b.received(1);
    controller.abort();
    expect(await failed).toMatchObject({ kind: "aborted", attempts: 2 });
    await b.aborted(1);
  });

  test("a model that kept failing is passed over at once, and the error says so if it was the last", async () => {
    await using a = await always(failure(500));
    await using b = await always(hi);
    await using ends = chainOf({ a, b }, { http: { maxRetries: 0 } });
    for (let count = 0; count < 5; count++) await ends.ask({ streaming });
    expect(await ends.ask({ streaming })).toMatchObject({ provider: "b", attempts: 1 });
    expect(a.requests).toHaveLength(5);
    await using alone = chainOf({ a }, { http: { maxRetries: 0 } });
    for (let count = 0; count < 5; count++) await alone.fails({ streaming });
    const error = await alone.fails({ streaming });
    expect(error).toMatchObject({ kind: "server", attempts: 0, retryable: true });
    expect(error.message).toMatch(/not asked, because its last requests failed .*; it is tried again in [\d.]+ m?s/);
  });
});

test("an entry may name a model, also of the same provider", async () => {
  await using a = await startLlmServer([failure(404), hi]);
  await using ends = chainOf({ a }, { fallback: ["a/meta/small"] });
  expect(await ends.ask({ streaming: true })).toMatchObject({ provider: "a", model: "meta/small" });
});

test("a model that was asked already is not asked again as a fallback", async () => {
  await using a = await startLlmServer([failure(404)]);
  await using ends = chainOf({ a }, { fallback: ["a", "a/a-model"] });
  expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "model_gone", attempts: 1 });
});

test("a fallback that cannot be asked is skipped with a note", async () => {
  await using a = await startLlmServer([failure(404), failure(404)]);
  await using b = await startLlmServer([hi]);
  await using ends = chainOf({ a, b }, { fallback: ["openai", "nowhere/x", "b"] });
  expect(await ends.ask({ streaming: true })).toMatchObject({ provider: "b" });
  expect(warnings(ends, "a fallback cannot be asked")).toMatchObject([
    { provider: "openai", kind: "auth" },
    { provider: "nowhere", kind: "bad_request" },
  ]);
  await using alone = chainOf({ a }, { fallback: ["openai", "nowhere"] });
  expect((await alone.fails({ streaming: true })).message).toMatch(
    /404: failure 404 \[also: openai: no API key \(environment variable OPENAI_API_KEY\); unknown provider "nowhere"\]$/,
  );
});

test("each provider gets the request in its own wire's form, with a request id of its own", async () => {
  await using a = await startLlmServer([failure(401)]);
  await using b = await startLlmServer([hi]);
  const providers = {
    a: { maxTokens: 10 },
    b: { maxTokens: 20, quirks: { tokenLimitKey: "max_completion_tokens" } },
  } as const;
  await using ends = chainOf({ a, b }, { providers });
  await ends.ask({ streaming: true });
  const [first, second] = [...a.requests, ...b.requests];
  expect(first).toMatchObject({
    body: { model: "a-model", max_tokens: 10 },
    headers: { "x-client-request-id": "req_new1" },
  });
  expect(second).toMatchObject({ body: { model: "b-model", max_completion_tokens: 20 } });
  expect(second?.headers["x-client-request-id"]).toMatch(/^req_new/);
  expect(second?.headers.authorization).toBe("Bearer key-of-b-0123456789");
});

describe("after something was shown", () => {
  const broken = stream([chunk({ content: "half" }), cutStream]);

  test("no other provider is asked", async () => {
    await using a = await startLlmServer([broken]);
    await using b = await startLlmServer([]);
    await using ends = chainOf({ a, b });
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "stream_interrupted", provider: "a" });
    expect(ends.shown()).toBe("half");
  });

  test("no other provider is asked after a stall either", async () => {
    await using a = await startLlmServer([stream([chunk({ content: "half" }), stall])]);
    await using b = await startLlmServer([]);
    await using ends = chainOf({ a, b }, { http: { idleTimeoutMs: 50 } });
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "idle_timeout", provider: "a" });
  });

  test("the next provider's answer replaces the text, if the door can void it", async () => {
    await using a = await always(broken);
    await using b = await startLlmServer([hi]);
    await using ends = chainOf({ a, b });
    const completion = await ends.ask({ streaming: true, streamRecovery: "restart" });
    expect(completion).toMatchObject({ provider: "b", attempts: 3, message: { content: "hi" } });
    expect(ends.shown()).toBe("hi");
  });

  test("the text stays if the door can void it but no provider answers", async () => {
    await using a = await always(broken);
    await using b = await startLlmServer([failure(401)]);
    await using ends = chainOf({ a, b });
    const error = await ends.fails({ streaming: true, streamRecovery: "restart" });
    expect(error).toMatchObject({ kind: "stream_interrupted", provider: "a", attempts: 3 });
    expect(ends.shown()).toBe("half");
  });
});

import { describe, expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../src/core/config.js";
import { llmConfig } from "../../support/llm-config.js";
import {
  answer,
  beforeHeaders,
  chunk,
  failure,
  reset,
  type Step,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { startSilentServer } from "../../support/silent-server.js";
import { clientOf, clientWith } from "../client-of.js";

describe.each([{ streaming: true }, { streaming: false }])("streaming: $streaming", ({ streaming }) => {
  test("the requests after a 503 and a 429 use the same connection", async () => {
    await using server = await startLlmServer([failure(503), failure(429), answer("hello")]);
    await using ends = clientOf(server);
    expect((await ends.ask({ streaming })).attempts).toBe(3);
    expect(server.connections).toBe(1);
  });

  test("three answers in a row use the same connection", async () => {
    const call = toolCalls([{ name: "f", arguments: {} }]);
    await using server = await startLlmServer([call, call, answer("done")]);
    await using ends = clientOf(server);
    for (let count = 0; count < 3; count++) await ends.ask({ streaming });
    expect(server.connections).toBe(1);
  });

  test("one connection for all, and failures on it, never dead-lock", async () => {
    const page = "x".repeat(1_000_000);
    let count = 0;
    await using server = await startLlmServer(() =>
      ++count % 3 === 0 ? failure(503, { body: page }) : answer("hello"),
    );
    await using ends = clientOf(server, { maxConnections: 1, maxRetries: 10 });
    await Promise.all(Array.from({ length: 10 }, () => ends.ask({ streaming })));
  });

  test("a connection is free again after a time-out, a refusal and a cancellation", async () => {
    const steps = [beforeHeaders(stall), failure(400), beforeHeaders(stall), answer("hello")];
    await using server = await startLlmServer(steps);
    await using ends = clientOf(server, { maxConnections: 1, maxRetries: 0, timeoutMs: 1000 });
    expect((await ends.fails({ streaming })).kind).toBe("timeout");
    expect((await ends.fails({ streaming })).kind).toBe("bad_request");
    const controller = new AbortController();
    const cancelled = ends.fails({ streaming, signal: controller.signal });
    await server.received(3);
    controller.abort();
    expect((await cancelled).kind).toBe("aborted");
    await ends.ask({ streaming });
  });

  test("a server that announces keep-alive but closes after every answer costs no failure, 60 times", async () => {
    const rude: Step = (response, request) => {
      response.setHeader("Connection", "keep-alive").setHeader("Keep-Alive", "timeout=5, max=100");
      response.once("finish", () => response.socket?.destroySoon());
      answer("hello world")(response, request);
    };
    await using server = await startLlmServer(() => rude);
    await using ends = clientOf(server, { initialRetryDelayMs: 5_000, maxRetryDelayMs: 5_000 });
    for (let count = 0; count < 60; count++) {
      expect((await ends.ask({ streaming })).message.content).toBe("hello world");
    }
  });

  test("a server that closes idle connections just as we send is asked again at once, on a new one", async () => {
    let count = 0;
    const closing: Step = (response) => void response.socket?.destroy();
    await using server = await startLlmServer(() => (++count % 2 === 0 ? closing : answer("hello")));
    await using ends = clientOf(server, { initialRetryDelayMs: 5_000, maxRetryDelayMs: 5_000, maxRetries: 1 });
    expect((await ends.ask({ streaming })).attempts).toBe(1);
    for (let round = 0; round < 10; round++) expect((await ends.ask({ streaming })).attempts).toBe(2);
  });

  test("the repetition at once happens once per call: the next reset counts as an ordinary failure", async () => {
    await using server = await startLlmServer([answer("one"), ...Array<Step>(3).fill(beforeHeaders(reset))]);
    await using ends = clientOf(server, { maxRetries: 2 });
    await ends.ask({ streaming });
    expect(await ends.fails({ streaming })).toMatchObject({ kind: "network", attempts: 3 });
  });
});

describe("the connections of a provider", () => {
  test("are 100 for 250 requests at once, and 20 of them stay", async () => {
    await using server = await startLlmServer(() => answer("hello"));
    await using ends = clientOf(server, { maxConnections: 100, maxKeepaliveConnections: 20, queueTimeoutMs: 120_000 });
    await Promise.all(Array.from({ length: 250 }, () => ends.ask({ streaming: true })));
    expect(server.connections).toBe(100);
    while (server.openSockets > 20) await new Promise(setImmediate);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(server.openSockets).toBe(20);
  });

  test("are reused by the next 50 of 100 requests, also if fewer may stay", async () => {
    // On a busy machine, idle connections may expire between the two rounds, so one of several tries must succeed.
    let fewest = Number.POSITIVE_INFINITY;
    for (let tries = 0; fewest > 50 && tries < 10; tries++) {
      await using server = await startLlmServer(() => answer("hello"));
      await using ends = clientOf(server, { maxConnections: 100, maxKeepaliveConnections: 20 });
      const askOften = () => Promise.all(Array.from({ length: 50 }, () => ends.ask({ streaming: false })));
      await askOften();
      await askOften();
      fewest = Math.min(fewest, server.connections);
      while (server.openSockets > 20) await new Promise(setImmediate);
    }
    expect(fewest).toBe(50);
  });

  test("are limited for each provider: idle connections to one do not block another", async () => {
    await using first = await startLlmServer(() => answer("first"));
    await using second = await startLlmServer(() => answer("second"));
    const config = llmConfig(first.url, { maxConnections: 2, maxKeepaliveConnections: 2 });
    const providers = { ...config.providers, other: { baseUrl: second.url, model: "m2" } };
    await using ends = clientWith({ ...config, providers });
    const askBoth = (model?: string) =>
      Promise.all([1, 2, 3].map(() => ends.client.complete({ model, messages: [], tools: [] }, { streaming: true })));
    await askBoth();
    const startedAt = performance.now();
    await askBoth("other/m2");
    expect(performance.now() - startedAt).toBeLessThan(8_000); // before any request reaches its timeout in the queue
    expect([first.connections, second.connections]).toEqual([2, 2]);
    expect([first.openSockets, second.openSockets]).toEqual([2, 2]);
  });

  test("are all closed at the end, also those that requests wait for", async () => {
    await using server = await startLlmServer(() => stream([chunk({ content: "Hel" }), stall]));
    const ends = clientOf(server, { maxConnections: 2 });
    const failing = Array.from({ length: 5 }, () => ends.fails({ streaming: false }));
    await server.received(2);
    await ends.client.close();
    await server.idle();
    const kinds = (await Promise.all(failing)).map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(["aborted", "aborted", "aborted", "network", "network"]);
    expect(server.requests).toHaveLength(2);
  });

  test("do not stay idle with max_keepalive_connections 0 or keepalive_expiry 0", async () => {
    await using server = await startLlmServer(() => answer("hello"));
    for (const http of [{ maxKeepaliveConnections: 0 }, { keepaliveExpiryMs: 0 }]) {
      await using ends = clientOf(server, http);
      for (let count = 0; count < 2; count++) await ends.ask({ streaming: true });
      await server.idle();
    }
    expect(server.connections).toBe(4);
  });
});

describe("connect_timeout", () => {
  test("of a provider wins, and the error names its key; otherwise llm.http's counts", async () => {
    await using server = await startSilentServer();
    const baseUrl = server.url.replace("http:", "https:");
    const config = llmConfig(baseUrl, { connectTimeoutMs: 120, maxRetries: 0 }, { connectTimeoutMs: 40 });
    const providers = { ...config.providers, other: { baseUrl, model: "m2" } };
    await using ends = clientWith({ ...config, providers });
    const error = await ends.fails({ streaming: true });
    expect(error).toMatchObject({ kind: "connect_timeout", provider: "test" });
    expect(error.message).toBe("test/m1: no connection within 40 ms (llm.providers.test.connect_timeout)");
    const other = await ends.client
      .complete({ model: "other/m2", messages: [], tools: [] }, { streaming: true })
      .catch((reason: unknown) => reason);
    expect(other).toMatchObject({
      kind: "connect_timeout",
      message: "other/m2: no connection within 120 ms (llm.http.connect_timeout)",
    });
  });

  test("limits connecting only: an answer may take longer", async () => {
    await using server = await startLlmServer([stream([chunk({}), chunk({ content: "hello" }, "stop")])]);
    await using ends = clientOf(server, { connectTimeoutMs: 1_000, timeoutMs: 5_000 });
    await ends.ask({ streaming: true });
  });
});

test("a request beyond 32 MB is not sent", async () => {
  await using server = await startLlmServer([]);
  await using ends = clientOf(server);
  const text = "x".repeat(33 * 1024 * 1024);
  const messages = [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
  const outcome = await ends.ask({ streaming: true }, { messages, tools: [] }).catch((error: unknown) => error);
  expect(outcome).toMatchObject({ kind: "context_length", retryable: false });
});

test("base_url may carry a name and password; a key outranks them, and the provider's headers outrank both", async () => {
  await using server = await startLlmServer(() => answer("hello"));
  const url = server.url.replace("http://", "http://me:p%40ss@");
  const basic = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
  const cases: [ProviderConfig, string][] = [
    [{ apiKey: undefined }, basic],
    [{}, "Bearer sk-test-0123456789"],
    [{ headers: { AUTHORIZATION: "Custom 1" } }, "Custom 1"],
  ];
  for (const [provider] of cases) {
    await using ends = clientOf({ url }, {}, provider);
    await ends.ask({ streaming: true });
  }
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(cases.map(([, expected]) => expected));
  expect(server.requests[0]?.headers.host).toBe(new URL(server.url).host);
});

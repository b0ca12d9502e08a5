import { describe, expect, test } from "@jest/globals";
import type { HttpConfig, ProviderConfig } from "../../../src/core/config.js";
import type { CompletionRequest } from "../../../src/core/messages.js";
import {
  answer,
  beforeHeaders,
  failure,
  type LlmServer,
  reset,
  type Step,
  stall,
  startLlmServer,
} from "../../support/llm-server.js";
import { baseRequest, clientOf } from "../client-of.js";

const hi = answer("hi");
const silent = beforeHeaders(stall);
const withoutTools: CompletionRequest = { ...baseRequest, tools: [] };

/** Returns a step for the first request: it answers a while after the second request has arrived. */
function afterSecond(server: () => LlmServer, step: Step): Step {
  const later = (...given: Parameters<Step>) => void setTimeout(() => step(...given), 40);
  return (...given) =>
    void server()
      .received(2)
      .then(() => later(...given));
}

function hedgingClient(server: LlmServer, http: Partial<HttpConfig> = {}, provider: ProviderConfig = {}) {
  const ends = clientOf(server, http, { hedgeAfterMs: 40, ...provider });
  const ask = (options: Parameters<typeof ends.ask>[0], request = withoutTools) => ends.ask(options, request);
  return { ...ends, ask, [Symbol.asyncDispose]: () => ends[Symbol.asyncDispose]() };
}

describe.each([{ streaming: true }, { streaming: false }])("streaming: $streaming", ({ streaming }) => {
  test("the second request answers; the first is cancelled, and its slot and connection are free", async () => {
    await using server = await startLlmServer([silent, hi, hi]);
    await using ends = hedgingClient(server, { maxConnections: 2, queueTimeoutMs: 5_000 }, { hedgeAfterMs: 500 });
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 2, message: { content: "hi" } });
    await server.aborted(1);
    await ends.ask({ streaming });
    expect(server.requests).toHaveLength(3);
    expect(server.openSockets).toBe(1);
  });

  test("the first request still answers; the second is cancelled", async () => {
    await using server: LlmServer = await startLlmServer([afterSecond(() => server, hi), silent]);
    await using ends = hedgingClient(server);
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 2 });
    await server.aborted(1);
  });

  test("a fast answer causes no second request", async () => {
    await using server = await startLlmServer([hi]);
    await using ends = hedgingClient(server, {}, { hedgeAfterMs: 2000 });
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 1 });
  });

  test("a failed second request does not harm the first", async () => {
    await using server: LlmServer = await startLlmServer([afterSecond(() => server, hi), failure(503)]);
    await using ends = hedgingClient(server);
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 2 });
  });

  test("a failed first request waits for the second", async () => {
    const late = afterSecond(() => server, reset);
    const slow: Step = (response, request) => void setTimeout(() => hi(response, request), 120);
    await using server: LlmServer = await startLlmServer([late, slow]);
    await using ends = hedgingClient(server, { maxRetries: 0 });
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 2 });
  });

  test("a third request is never sent", async () => {
    await using server = await startLlmServer([silent, silent]);
    await using ends = hedgingClient(server, { timeoutMs: 300, maxRetries: 0 });
    const error = await ends.ask({ streaming }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "timeout", attempts: 2 });
  });

  test.each<[string, typeof baseRequest, Partial<HttpConfig>]>([
    ["with tools", baseRequest, {}],
    ["with a long prompt", { ...withoutTools, messages: [{ role: "system", content: "x".repeat(40_000) }] }, {}],
    ["without a free slot", withoutTools, { maxConnections: 1 }],
  ])("a request %s is sent once", async (_, request, http) => {
    const slow: Step = (response, incoming) => void setTimeout(() => hi(response, incoming), 120);
    await using server = await startLlmServer([slow]);
    await using ends = hedgingClient(server, http);
    expect(await ends.ask({ streaming }, request)).toMatchObject({ attempts: 1 });
  });

  test.concurrent("neither a retry nor, once half of the retry budget is spent, a first attempt is hedged", async () => {
    const slow: Step = (response, request) => void setTimeout(() => hi(response, request), 1_000);
    const steps = [...Array<Step>(6).fill(failure(500)), slow, slow];
    await using server = await startLlmServer(steps);
    await using ends = hedgingClient(server, { maxRetries: 6 }, { hedgeAfterMs: 500 });
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 7 });
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 1 });
  });

  test("a cancel ends both", async () => {
    await using server = await startLlmServer([silent, silent]);
    await using ends = hedgingClient(server);
    const controller = new AbortController();
    const failed = ends.ask({ streaming, signal: controller.signal }).catch((reason: unknown) => reason);
    await server.received(2);
    controller.abort();
    expect(await failed).toMatchObject({ kind: "aborted", attempts: 2 });
    await server.aborted(2);
    await server.idle();
  });
});

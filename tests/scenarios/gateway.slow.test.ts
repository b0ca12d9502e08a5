import { expect } from "@jest/globals";
import { clientOf } from "../llm/client-of.js";
import { collect, fixtureServer, shape, startApp, withoutNode } from "../support/app.js";
import { gatewayTests } from "../support/gateway.js";
import {
  answer,
  beforeHeaders,
  chunk,
  cutStream,
  failure,
  type Piece,
  reset,
  type Step,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../support/llm-server.js";

/** A real gateway between the host and the model: it reports a cut as a clean end, and has its own error shapes. */

const throughGateway = gatewayTests();

const hel = chunk({ content: "Hel" });
const stop = chunk({}, "stop");

throughGateway("a whole turn with tools is the same log, streamed and not", async ({ url, to }) => {
  const logs = [];
  for (const streaming of [true, false]) {
    const calls = [
      { name: "s__echo", arguments: { n: 1 }, id: "call_a" },
      { name: "s__echo", arguments: { n: 2 }, id: "call_b" },
    ];
    await using llm = await startLlmServer([toolCalls(calls), answer("both said")]);
    const providers = { test: { base_url: url, model: "m1", api_key: "sk-test-0123456789", ...to(llm.url) } };
    const config = { llm: { active: "test", providers } };
    await using app = await startApp({ llm: url, mcpServers: { s: fixtureServer() }, config });
    const session = app.sessions.open("c");
    const events = await collect(session.prompt({ requestId: "r", text: "go", streaming }));
    expect(shape(events).at(-1)).toBe("turn_end");
    expect(events.some(({ type }) => type === "text_delta")).toBe(streaming);
    expect(llm.requests[1]?.body.messages?.filter(({ role }) => role === "tool")).toHaveLength(2);
    logs.push((await session.history()).map(({ at: _, turnId: __, ...event }) => withoutNode(event)));
  }
  expect(logs[0]).toEqual(logs[1]);
  expect(logs[0]?.filter(({ type }) => type === "tool_sent")).toHaveLength(2);
});

const cuts: [string, Piece[]][] = [
  ["between events", [hel, cutStream]],
  ["inside an event", [hel, 'data: {"choices":[{"delta":{"content":"lo', cutStream]],
  ["by a reset", [hel, reset]],
];

for (const [where, pieces] of cuts) {
  throughGateway(
    `a stream cut upstream ${where} is an interrupted answer, never a complete one`,
    async ({ url, to }) => {
      await using llm = await startLlmServer([stream(pieces)]);
      await using ends = clientOf({ url }, {}, to(llm.url));
      const error = await ends.fails({ streaming: true });
      expect(error).toMatchObject({ kind: "stream_interrupted", attempts: 1, retryable: true });
      expect(ends.shown()).toMatch(/^Hel/);
    },
  );
}

throughGateway("a cut is recovered from, before the first words and, where wanted, after them", async ({ url, to }) => {
  await using llm = await startLlmServer([stream([cutStream]), stream([hel, cutStream]), answer("Hello")]);
  await using ends = clientOf({ url }, {}, to(llm.url));
  const completion = await ends.ask({ streaming: true, streamRecovery: "restart" });
  expect(completion).toMatchObject({ message: { content: "Hello" }, attempts: 3 });
  expect(ends.shown()).toBe("Hello");
});

throughGateway("a whole answer cut upstream is asked for again", async ({ url, to }) => {
  const half: Step = (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "900" });
    response.write('{"choices":[', () => response.socket?.end());
  };
  await using llm = await startLlmServer([half, answer("Hello")]);
  await using ends = clientOf({ url }, {}, to(llm.url));
  expect(await ends.ask({ streaming: false })).toMatchObject({ message: { content: "Hello" }, attempts: 2 });
});

throughGateway("Retry-After is obeyed, and an absurd one ends it at once", async ({ url, to }) => {
  const limited = (seconds: string) => failure(429, { headers: { "retry-after": seconds } });
  await using llm = await startLlmServer([limited("1"), answer("Hello"), limited("3600")]);
  await using ends = clientOf({ url }, {}, to(llm.url));
  const startedAt = performance.now();
  expect(await ends.ask({ streaming: true })).toMatchObject({ attempts: 2 });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1000);
  expect(await ends.fails({ streaming: true })).toMatchObject({
    kind: "rate_limit",
    retryAfterMs: 3_600_000,
    attempts: 1,
  });
});

const errors: [string, Step, object, string, string][] = [
  ["the provider's, wrapped", failure(401), {}, "auth", "error 401: openai error: failure 401"],
  ["html-message", beforeHeaders(reset), {}, "server", "error 500: Message: fetch failed"],
  ["a timeout", beforeHeaders(stall), { request_timeout: 100 }, "timeout", "error 408: Request exceeded the timeout"],
  [
    "a page inside JSON",
    failure(502, { body: "<html><title>502 Bad Gateway</title></html>", headers: { "content-type": "text/html" } }),
    {},
    "server",
    "error 502: an HTML page (502 Bad Gateway)",
  ],
  [
    "in the stream, after the headers",
    stream([{ error: { message: "busy", type: "overloaded_error" } }]),
    {},
    "overloaded",
    "error 529: busy",
  ],
];

for (const [name, step, more, kind, said] of errors) {
  throughGateway(`its error shapes are understood: ${name}`, async ({ url, to }) => {
    await using llm = await startLlmServer([step]);
    await using ends = clientOf({ url }, { maxRetries: 0 }, to(llm.url, more));
    const error = await ends.fails({ streaming: true });
    expect(error.kind).toBe(kind);
    expect(error.message).toContain(said);
  });
}

throughGateway("its error shapes are understood: status failure, when it is not set up", async ({ url }) => {
  await using ends = clientOf({ url });
  const error = await ends.fails({ streaming: true });
  expect(error).toMatchObject({ kind: "bad_request", status: 400, attempts: 1, retryable: false });
  expect(error.message).toContain("x-portkey-config");
});

throughGateway("errors tell neither the gateway's key nor the provider's", async ({ url, to }) => {
  await using llm = await startLlmServer([
    failure(401, { body: { error: { message: "Incorrect API key provided: sk-upstream-key." } } }),
  ]);
  await using ends = clientOf({ url }, {}, to(llm.url));
  expect((await ends.fails({ streaming: true })).message).not.toContain("sk-upstream");
});

throughGateway("a stream that stalls is given up, and its connection to the provider as well", async ({ url, to }) => {
  await using llm = await startLlmServer([stream([hel, stall]), stream([hel, stop])]);
  await using ends = clientOf({ url }, { idleTimeoutMs: 200 }, to(llm.url));
  expect(await ends.ask({ streaming: true, streamRecovery: "restart" })).toMatchObject({ attempts: 2 });
});

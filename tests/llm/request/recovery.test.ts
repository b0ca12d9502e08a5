import { setImmediate as endOfRound } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import type { Delta, Discard } from "../../../src/core/messages.js";
import { collect, fixtureServer, isStored, shape, startApp } from "../../support/app.js";
import {
  answer,
  beforeHeaders,
  chunk,
  cutStream,
  end,
  failure,
  type Piece,
  pause,
  reset,
  type Step,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { clientOf } from "../client-of.js";

const hel = chunk({ content: "Hel" });
const overloaded = { error: { message: "Overloaded", type: "overloaded_error" }, choices: [] };
const limits = { timeoutMs: 5000, ttftTimeoutMs: 5000, idleTimeoutMs: 500 };
const restart = { streaming: true, streamRecovery: "restart" } as const;
const half = (...pieces: Piece[]) => stream([hel, ...pieces]);

/** Records everything that was shown, as text, with `|` for each discard. */
function recorder(): { onDelta: (event: Delta | Discard) => void; text: () => string; reasons: string[] } {
  const reasons: string[] = [];
  let text = "";
  const onDelta = (event: Delta | Discard) => {
    if (event.type === "discard") reasons.push(event.reason);
    text += event.type === "discard" ? "|" : event.delta;
  };
  return { onDelta, text: () => text, reasons };
}

test("text that was held back when an answer broke off is not shown with the next answer", async () => {
  const held = chunk({ content: "<thi" });
  await using server = await startLlmServer([stream([held, cutStream]), answer("Hello")]);
  await using ends = clientOf(server, limits, { quirks: { thinkTags: true } });
  const { onDelta, text } = recorder();
  const completion = await ends.ask({ streaming: true, onDelta });
  expect(completion).toMatchObject({
    attempts: 2,
    message: { content: "Hello" },
    lost: [{ usage: { outputTokens: 1 } }],
  });
  expect(text()).toBe("Hello");
});

/**
 * Sends the message, and then keeps this process busy, the reader too, for longer than it waits for usage. It begins at the end of a round of the
 * event loop, so that the reader's timer comes before the reading.
 */
const busyAfter =
  (message: object): Piece =>
  async (response) => {
    const event = `data: ${JSON.stringify(message)}\n\n`;
    await endOfRound();
    response.socket?.write(`${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`);
    const until = performance.now() + 300;
    while (performance.now() < until);
    await new Promise(() => {});
  };

describe("the usage of an answer that the provider declares failed", () => {
  const usage = { choices: [], usage: { prompt_tokens: 70, completion_tokens: 20 } };
  const lost = [{ usage: { inputTokens: 70, outputTokens: 20 } }];
  const estimate = [{ usage: { outputTokens: 1 } }];
  const done = "data: [DONE]\n\n";
  test.each<[string, Piece[], object[]]>([
    ["is in the failing chunk", [{ ...overloaded, usage: usage.usage }, stall], lost],
    ["follows in the same packet", [chunk({}, "error"), usage, done], lost],
    ["follows in a later packet", [chunk({}, "error"), pause(30), usage, stall], lost],
    ["follows after an error event", ["event: error\n", { message: "boom" }, pause(30), usage, end], lost],
    [
      "has arrived while the host was busy for longer than it waits",
      [chunk({}, "error"), pause(30), busyAfter(usage)],
      lost,
    ],
    ["is missing, and the stream ends", [chunk({}, "error"), done], estimate],
    ["is missing, and the connection stays open", [chunk({}, "error"), stall], estimate],
    ["is missing, and more words arrive", [chunk({}, "error"), pause(30), hel, done], estimate],
    ["is missing, and the connection breaks", [chunk({}, "error"), pause(30), reset], estimate],
  ])("%s", async (_name, pieces, expected) => {
    await using server = await startLlmServer([half(...pieces), answer("Hello")]);
    await using ends = clientOf(server, { ...limits, idleTimeoutMs: 5000 });
    const { onDelta, text, reasons } = recorder();
    const completion = await ends.ask({ ...restart, onDelta });
    expect(completion).toMatchObject({ attempts: 2, message: { content: "Hello" }, lost: expected });
    expect([text(), reasons]).toEqual(["Hel|Hello", [expect.stringMatching(/^error/)]]);
  });
});

/** JSON.parse reads this, and JSON.stringify fails. */
const deepObject = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;

describe("an answer that breaks off after its first words, where it may be restarted", () => {
  test.each<[string, Piece[], string]>([
    ["a cut", [cutStream], "the connection broke: aborted"],
    ["a reset", [reset], "the connection broke: aborted"],
    ["a clean end", [end], "the answer ended before it was complete"],
    ["a stall", [stall], "the answer stood still for 500 ms (llm.http.idle_timeout)"],
    [
      "comments for ever",
      Array.from({ length: 40 }, () => [": working\n\n", pause(20)]).flat(),
      "the answer stood still for 500 ms (llm.http.idle_timeout)",
    ],
    ["an error in a chunk", [overloaded], "error 529: Overloaded"],
    ["an error event", ["event: error\n", { message: "boom" }], "error: boom"],
    ["finish_reason error", [chunk({}, "error")], 'error: the model\'s answer ended with "error"'],
    ["half a chunk", ['data: {"choices":[{"del\n\n'], "a part of the stream is not JSON"],
    [
      "arguments that are nested too deeply",
      [
        `data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":${deepObject}}}]}}]}\n\n`,
      ],
      "a part of the answer is nested too deeply",
    ],
    [
      "a cut inside a tool call",
      [chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "{" } }] }), cutStream],
      "the connection broke: aborted",
    ],
  ])("%s: is discarded and asked for again", async (_name, pieces, reason) => {
    await using server = await startLlmServer([half(...pieces), answer("Hello")]);
    await using ends = clientOf(server, limits);
    const { onDelta, text, reasons } = recorder();
    const completion = await ends.ask({ ...restart, onDelta });
    expect(completion).toMatchObject({ message: { content: "Hello", toolCalls: [] }, attempts: 2 });
    expect(text()).toBe("Hel|Hello");
    expect(reasons).toEqual([reason]);
    expect(server.requests[1]?.body).toEqual(server.requests[0]?.body);
  });

  test("failures before and after the first words share one count, and the last words shown stay", async () => {
    await using server = await startLlmServer([
      half(cutStream),
      failure(503),
      stream([chunk({ content: "Hell" }), cutStream]),
      failure(500, { headers: { "x-request-id": "theirs-4" } }),
    ]);
    await using ends = clientOf(server);
    const { onDelta, text } = recorder();
    const error = await ends.fails({ ...restart, onDelta });
    expect(text()).toBe("Hel|Hell");
    expect(error).toMatchObject({ kind: "stream_interrupted", status: 500, attempts: 4, retryable: true });
    expect(error.requestId).toBe("theirs-4");
    expect(error.message).toBe("test/m1: the answer broke off after its beginning: error 500: failure 500");
  });

  test("a failure that no repetition cures is final, and says what to do", async () => {
    const spent: Step = failure(429, { body: { error: { code: "insufficient_quota", message: "pay first" } } });
    await using server = await startLlmServer([half(cutStream), spent]);
    await using ends = clientOf(server);
    const { onDelta, text } = recorder();
    const error = await ends.fails({ ...restart, onDelta });
    expect(error).toMatchObject({ kind: "stream_interrupted", status: 429, attempts: 2, retryable: false });
    expect(error.hint).toContain("Check plan and billing");
    expect(text()).toBe("Hel");
  });

  test("an answer of tool calls only voids the words before it", async () => {
    await using server = await startLlmServer([half(cutStream), toolCalls([{ name: "f", arguments: {} }])]);
    await using ends = clientOf(server);
    const { onDelta, text } = recorder();
    expect((await ends.ask({ ...restart, onDelta })).message).toMatchObject({
      content: "",
      toolCalls: [{ name: "f" }],
    });
    expect(text()).toBe("Hel|");
  });

  test("a pause that would take too long is not started", async () => {
    const limited = { error: { code: 429, message: "slow down", details: [{ retryDelay: "3600s" }] } };
    await using server = await startLlmServer([half(limited)]);
    await using ends = clientOf(server);
    const error = await ends.fails(restart);
    expect(error).toMatchObject({ kind: "stream_interrupted", retryAfterMs: 3_600_000, attempts: 1 });
    expect(error.message).toContain("longer than this host waits");
  });

  test("cancelling during the pause before the restart is prompt, and sends nothing", async () => {
    await using server = await startLlmServer([half(cutStream)]);
    await using ends = clientOf(server, { initialRetryDelayMs: 30_000, maxRetryDelayMs: 30_000 });
    const controller = new AbortController();
    const failed = ends.fails({ ...restart, signal: controller.signal });
    while (ends.observed.length === 0) await new Promise(setImmediate);
    const abortedAt = performance.now();
    controller.abort();
    expect((await failed).kind).toBe("aborted");
    expect(performance.now() - abortedAt).toBeLessThan(5_000);
    expect(ends.shown()).toBe("Hel");
  });

  test("the total time limit ends the restarts too", async () => {
    await using server = await startLlmServer([half(cutStream), half(stall)]);
    await using ends = clientOf(server, { totalTimeoutMs: 1_000 });
    expect(await ends.fails(restart)).toMatchObject({ kind: "total_timeout", attempts: 2 });
  });
});

test("the error of an answer that broke off has the provider's request id", async () => {
  await using server = await startLlmServer([stream([hel, cutStream], { headers: { "x-request-id": "theirs-1" } })]);
  await using ends = clientOf(server);
  const { kind, requestId, provider, model, attempts } = await ends.fails({ streaming: true });
  expect({ kind, requestId, provider, model, attempts }).toEqual({
    kind: "stream_interrupted",
    requestId: "theirs-1",
    provider: "test",
    model: "m1",
    attempts: 1,
  });
});

describe.each([
  ["auto", "restart", 2],
  ["auto", "fail", 1],
  ["auto", undefined, 1],
  ["restart", "fail", 2],
  ["fail", "restart", 1],
] as const)("llm.stream_recovery: %s, asked by a door for %s", (configured, streamRecovery, requests) => {
  test(`sends ${requests} request(s)`, async () => {
    const script = [half(cutStream), answer("Hello")].slice(0, requests);
    await using llm = await startLlmServer(script);
    await using app = await startApp({ llm: llm.url, streamRecovery: configured });
    const events = await collect(
      app.sessions.open("c").prompt({ requestId: "r", text: "hi", streaming: true, streamRecovery }),
    );
    expect(llm.requests).toHaveLength(requests);
    expect(events.at(-1)?.type).toBe(requests === 2 ? "turn_end" : "turn_error");
  });
});

describe("a turn", () => {
  const prompt = { requestId: "r", text: "go", streaming: true, streamRecovery: "restart" } as const;
  const echo = (n: number) => ({ name: "s__echo", arguments: { n }, id: `call_${n}` });

  test("shows the answer again after a discard, to late watchers too, and logs only the whole one", async () => {
    await using llm = await startLlmServer([half(cutStream), answer("Hello you")]);
    await using app = await startApp({ llm: llm.url });
    const turn = await app.sessions.open("c").submit(prompt);
    const early = await collect(turn.watch());
    const late = await collect(turn.watch());
    expect(early.map(({ type }) => type)).toEqual([
      "user_message",
      "text_delta",
      "discard",
      "text_delta",
      "text_delta",
      "assistant_message",
      "turn_end",
    ]);
    expect(late).toEqual(early);
    expect(early.filter(isStored)[1]).toMatchObject({ message: { content: "Hello you" }, attempts: 2 });
  });

  test("keeps the shown text in the log when no attempt succeeds", async () => {
    await using llm = await startLlmServer([half(cutStream), ...Array(3).fill(failure(503))]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    const events = await collect(session.prompt(prompt));
    expect(events.map(({ type }) => type)).not.toContain("discard");
    expect(shape(events)).toEqual(["user_message", "assistant_message", "turn_error"]);
    expect((await session.history())[1]).toMatchObject({
      interrupted: true,
      message: { content: "Hel" },
      attempts: 4,
    });
  });

  test("a tool call that was dispatched is not dispatched again when the next answer is restarted", async () => {
    await using llm = await startLlmServer([
      toolCalls([echo(1)]),
      half(reset),
      stream([
        hel,
        chunk({ tool_calls: [{ index: 0, id: "call_2", function: { name: "s__echo", arguments: "{" } }] }),
        cutStream,
      ]),
      toolCalls([echo(3)]),
      beforeHeaders(reset),
      answer("done"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const events = await collect(app.sessions.open("c").prompt(prompt));
    const sent = events.flatMap((event) => (event.type === "tool_sent" ? [event.callId] : []));
    expect(sent).toEqual(["call_1", "call_3"]);
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    const results = llm.requests.at(-1)?.body.messages?.filter(({ role }) => role === "tool");
    expect(results?.map((message) => message.tool_call_id)).toEqual(["call_1", "call_3"]);
  });
});

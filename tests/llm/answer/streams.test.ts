import type { ServerResponse } from "node:http";
import { createGzip, type Gzip } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import {
  answer,
  chunk,
  cutStream,
  end,
  failure,
  json,
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

const role = chunk({ role: "assistant", content: "" });
const hel = chunk({ content: "Hel" });
const lo = chunk({ content: "lo" });
const stop = chunk({}, "stop");
const usage = { prompt_tokens: 7, completion_tokens: 2 };
const done = "data: [DONE]\n\n";
const overloaded = { error: { message: "Overloaded", type: "overloaded_error" }, choices: [] };
/** An object whose conversion to a string or a number throws, because JSON has set its own `toString`. */
const mute = { toString: 1 };
const odd = {
  code: mute,
  status: [mute],
  message: { detail: [{ loc: [mute], msg: mute }] },
  details: [{ retryDelay: mute }],
};
const llamaCpp = (code: number) => [
  `error: ${JSON.stringify({ code, message: "out of memory", type: "server_error" })}\n\n`,
];
const limits = { timeoutMs: 5000, ttftTimeoutMs: 600, idleTimeoutMs: 600 };

describe.each([true, false])("instead of an answer (streaming: %s)", (streaming) => {
  test.concurrent("a provider that switches protocols is asked again", async () => {
    const switching: Step = (response) =>
      void response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    await using server = await startLlmServer([switching, answer("fine")]);
    await using ends = clientOf(server, limits);
    expect(await ends.ask({ streaming })).toMatchObject({ message: { content: "fine" }, attempts: 2 });
  });
});

describe("before anything was shown", () => {
  const faults: [string, Piece[]][] = [
    ["a cut", [role, cutStream]],
    ["a reset", [role, reset]],
    ["a clean end without an answer", [role, end]],
    ["an empty body", [end]],
    ["nothing but [DONE]", [done]],
    ["a stall", [role, stall]],
    ["comments for ever", [...Array.from({ length: 80 }, () => [": working\n\n", pause(20)]).flat()]],
    ["an error event", ["event: error\n", overloaded]],
    ["an error in a chunk", [overloaded]],
    ["an error of which nothing is what it should be", [{ error: odd, choices: [] }]],
    ["a complaint of that kind, and a clean end", [odd, end]],
    ["a complaint of that kind, and a stall", [odd, stall]],
    ["an error in a choice", [{ choices: [{ error: { code: 502, message: "upstream" }, finish_reason: "error" }] }]],
    ["finish_reason error", [chunk({}, "error")]],
    ["half a chunk", ['data: {"choices":[{"del\n\n']],
    ["llama.cpp's field for errors", [...llamaCpp(503), done]],
    ["a reason to finish that is a failure", [chunk({}, "abort")]],
    ["a gateway's failure", [{ status: "failure", message: "fetch failed" }]],
    ["an object of type error", [{ object: "error", message: "boom", code: 500 }]],
    [
      "a cut in the middle of a tool call",
      [chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "f" } }] }), cutStream],
    ],
  ];

  test.concurrent.each(faults)("%s is repeated", async (_name, pieces) => {
    await using server = await startLlmServer([stream(pieces), answer("hello")]);
    await using ends = clientOf(server, limits);
    const completion = await ends.ask({ streaming: true });
    expect(completion).toMatchObject({ message: { content: "hello", toolCalls: [] }, attempts: 2 });
    expect(ends.shown()).toBe("hello");
  });

  test.concurrent("a stall ends as ttft_timeout, which names the limit, its value and its key", async () => {
    await using server = await startLlmServer([stream([role, stall])]);
    await using ends = clientOf(server, { ...limits, maxRetries: 0 });
    const error = await ends.fails({ streaming: true });
    expect(error.kind).toBe("ttft_timeout");
    expect(error.message).toBe("test/m1: nothing of the answer within 600 ms (llm.http.ttft_timeout)");
    await server.aborted(1);
  });

  test.concurrent("the error names the provider's own limit if that is the one that ended the request", async () => {
    await using server = await startLlmServer([stream([role, stall])]);
    await using ends = clientOf(server, { maxRetries: 0 }, { ttftTimeoutMs: 50 });
    expect((await ends.fails({ streaming: true })).message).toContain("50 ms (llm.providers.test.ttft_timeout)");
  });

  test.concurrent("an error that no retry cures is not repeated", async () => {
    await using server = await startLlmServer([stream([{ error: { code: "insufficient_quota", message: "pay" } }])]);
    await using ends = clientOf(server);
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "quota", attempts: 1, retryable: false });
  });

  test.concurrent("an HTML page instead of a stream says that base_url is wrong", async () => {
    await using server = await startLlmServer([
      stream(["<!DOCTYPE html><title>Hi</title>"], { headers: { "content-type": "text/html" } }),
    ]);
    await using ends = clientOf(server);
    const error = await ends.fails({ streaming: true });
    expect(error).toMatchObject({ kind: "html", retryable: false });
    expect(error.hint).toContain("Wrong base_url?");
  });
});

describe("a request is never sent again after something was shown", () => {
  const faults: [string, Piece[], object, string?][] = [
    ["a cut", [cutStream], { kind: "stream_interrupted", retryable: true }],
    ["a reset", [reset], { kind: "stream_interrupted" }],
    ["a clean end", [end], { kind: "stream_interrupted" }],
    ["a stall", [stall], { kind: "idle_timeout" }],
    [
      "comments for ever",
      [...Array.from({ length: 80 }, () => [": working\n\n", pause(20)]).flat()],
      { kind: "idle_timeout" },
    ],
    ["an error in a chunk", [overloaded], { kind: "stream_interrupted", status: 529 }],
    ["finish_reason error", [chunk({}, "error")], { kind: "stream_interrupted" }],
    ["vLLM's abort", [chunk({}, "abort"), done], { kind: "stream_interrupted", retryable: true }],
    ["DeepSeek's shortage", [chunk({}, "insufficient_system_resource"), done], { kind: "stream_interrupted" }],
    ["Z.ai's network error", [chunk({}, "network_error"), done], { kind: "stream_interrupted" }],
    [
      "Gemini's broken call",
      [chunk({}, "function_call_filter: MALFORMED_FUNCTION_CALL"), done],
      { kind: "stream_interrupted" },
    ],
    ["half a chunk and [DONE] in one read", [`data: {"choices":[{"del\n\n${done}`], { kind: "stream_interrupted" }],
    [
      "half a chunk, finish_reason and [DONE] in one read",
      [`data: {"choices":[{"del\n\ndata: ${JSON.stringify(stop)}\n\n${done}`],
      { kind: "stream_interrupted" },
    ],
    ["llama.cpp's field for errors", [...llamaCpp(500), done], { kind: "stream_interrupted", status: 500 }],
    ["llama.cpp's field without JSON", ["error: out of memory\n\n", done], { kind: "stream_interrupted" }],
    [
      "an error as a bare line",
      [`${JSON.stringify(overloaded)}\n\n`, done],
      { kind: "stream_interrupted", status: 529 },
    ],
    ["finish_reason, more text, and a clean end", [stop, lo, end], { kind: "stream_interrupted" }, "Hello"],
  ];

  test.concurrent.each(faults)("%s", async (_name, pieces, expected, shown = "Hel") => {
    await using server = await startLlmServer([stream([role, hel, ...pieces])]);
    await using ends = clientOf(server, limits);
    expect(await ends.fails({ streaming: true })).toMatchObject({ ...expected, attempts: 1 });
    expect(ends.shown()).toBe(shown);
  });

  test.concurrent("a whole answer collected from the same stream may be sent again", async () => {
    await using server = await startLlmServer([stream([role, hel, cutStream]), answer("hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming: false })).toMatchObject({ message: { content: "hello" }, attempts: 2 });
  });
});

test.concurrent.each([true, false])(
  "the cost of an answer that ends as a failure is counted, streaming: %s",
  async (streaming) => {
    const usage = { prompt_tokens: 9, completion_tokens: 4 };
    const choices = [{ index: 0, delta: {}, message: { role: "assistant", content: "" }, finish_reason: "error" }];
    const failed = { choices, usage };
    await using server = await startLlmServer([streaming ? stream([failed]) : json(failed), answer("hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming })).toMatchObject({
      message: { content: "hello" },
      attempts: 2,
      lost: [{ usage: { inputTokens: 9, outputTokens: 4 } }],
    });
  },
);

describe("an answer is complete if its content is", () => {
  test.concurrent.each<[string, Piece[]]>([
    ["finish_reason, no [DONE]", [stop]],
    ["finish_reason, then a cut", [stop, cutStream]],
    ["finish_reason, then a reset", [stop, reset]],
    ["finish_reason without a blank line after it", [`data: ${JSON.stringify(stop)}`, end]],
    ["[DONE], no finish_reason", [done]],
    ["[DONE], then an open connection", [stop, done, stall]],
    ["finish_reason, then an open connection for idle_timeout", [stop, stall]],
    ["finish_reason and usage, then an open connection", [stop, { choices: [], usage }, stall]],
    ["finish_reason, then an error", [stop, overloaded]],
  ])("%s", async (_name, pieces) => {
    await using server = await startLlmServer([stream([role, hel, lo, ...pieces])]);
    await using ends = clientOf(server, { idleTimeoutMs: pieces[1] === stall ? 500 : 60_000 });
    expect((await ends.ask({ streaming: true })).message.content).toBe("Hello");
  });

  test.concurrent("a finish reason does not end the answer if more text and calls follow after a pause", async () => {
    const call = chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "{}" } }] });
    const pieces = [
      role,
      hel,
      stop,
      pause(2300),
      lo,
      chunk({}, "tool_calls"),
      pause(50),
      call,
      chunk({}, "tool_calls"),
    ];
    await using server = await startLlmServer([stream([...pieces, done])]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming: true })).toMatchObject({
      message: { content: "Hello", toolCalls: [{ id: "a", name: "f" }] },
      finishReason: "tool_calls",
    });
  });

  test.concurrent("a connection left open after [DONE] is closed after a short grace", async () => {
    await using server = await startLlmServer([stream([hel, stop, done, stall])]);
    await using ends = clientOf(server);
    await ends.ask({ streaming: true });
    await server.idle();
  });
});

describe("a proxy that compresses although we asked it not to", () => {
  const zipped =
    (pieces: string[], end: (zip: Gzip, response: ServerResponse) => void): Step =>
    (response) => {
      response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" });
      const zip = createGzip();
      zip.pipe(response);
      for (const piece of pieces) zip.write(piece);
      zip.flush(() => setImmediate(end, zip, response));
    };

  test.concurrent("does so, and the answer is unpacked", async () => {
    const pieces = [hel, lo, stop].map((event) => `data: ${JSON.stringify(event)}\n\n`);
    await using server = await startLlmServer([zipped([...pieces, done], (zip) => zip.end())]);
    await using ends = clientOf(server);
    expect((await ends.ask({ streaming: true })).message.content).toBe("Hello");
  });

  test.concurrent("does so, and a stream that it ends too early counts as cut", async () => {
    const half = zipped([`data: ${JSON.stringify(hel)}\n\n`], (zip, response) => {
      zip.unpipe();
      response.end();
    });
    await using server = await startLlmServer([half]);
    await using ends = clientOf(server);
    expect((await ends.fails({ streaming: true })).kind).toBe("stream_interrupted");
  });
});

describe("connections", () => {
  test.concurrent("are reused: three streams in a row use one", async () => {
    await using server = await startLlmServer([
      answer("one"),
      toolCalls([{ name: "f", arguments: {} }]),
      answer("three"),
    ]);
    await using ends = clientOf(server);
    for (let round = 0; round < 3; round++) await ends.ask({ streaming: true });
    expect(server.connections).toBe(1);
  });

  test.concurrent("never exceed max_connections, nor max_keepalive_connections while idle", async () => {
    await using server = await startLlmServer(() => answer("hello"));
    await using ends = clientOf(server, { maxConnections: 4, maxKeepaliveConnections: 1 });
    await Promise.all(Array.from({ length: 12 }, () => ends.ask({ streaming: true })));
    expect(server.connections).toBe(4);
    while (server.openSockets > 1) await new Promise(setImmediate);
  });

  test.concurrent("are closed after keepalive_expiry", async () => {
    await using server = await startLlmServer([answer("hello")]);
    await using ends = clientOf(server, { keepaliveExpiryMs: 50 });
    await ends.ask({ streaming: true });
    await server.idle();
  });

  test.concurrent("are closed before the server does it, if the server says when", async () => {
    const headers = { "keep-alive": "timeout=2" };
    await using server = await startLlmServer([stream([hel, stop, done], { headers })]);
    await using ends = clientOf(server);
    const startedAt = performance.now();
    await ends.ask({ streaming: true });
    await server.idle();
    expect(performance.now() - startedAt).toBeLessThan(1900);
  });

  test.concurrent("are replaced without a pause if the server has closed them meanwhile", async () => {
    await using server = await startLlmServer([
      answer("one"),
      (response) => void response.socket?.destroy(),
      answer("two"),
    ]);
    await using ends = clientOf(server, { initialRetryDelayMs: 20_000, maxRetryDelayMs: 20_000 });
    await ends.ask({ streaming: true });
    expect(await ends.ask({ streaming: true })).toMatchObject({ message: { content: "two" }, attempts: 2 });
  });

  test.concurrent("are closed when the caller cancels in the middle of an answer", async () => {
    await using server = await startLlmServer([stream([hel, stall])]);
    await using ends = clientOf(server);
    const controller = new AbortController();
    const failed = ends.fails({ streaming: true, signal: controller.signal, onDelta: () => controller.abort() });
    expect(await failed).toMatchObject({ kind: "aborted", retryable: false });
    await server.idle();
  });

  test.concurrent("may be silent between two words for longer than the limit for the headers", async () => {
    await using server = await startLlmServer([stream([hel, pause(1_500), lo, pause(1_500), stop])]);
    await using ends = clientOf(server, { timeoutMs: 1_000 });
    expect((await ends.ask({ streaming: true })).message.content).toBe("Hello");
  });
});

test.concurrent("the total time limit ends a request, and the error names its key", async () => {
  await using server = await startLlmServer([failure(500), stream([role, stall])]);
  await using ends = clientOf(server, { totalTimeoutMs: 1_500 });
  const error = await ends.fails({ streaming: true });
  expect(error.kind).toBe("total_timeout");
  expect(error.message).toBe("test/m1: no complete answer within 1.5 s (llm.http.total_timeout)");
  expect(error.attempts).toBe(2);
});

test.concurrent("a closed client ends its requests, for good", async () => {
  await using server = await startLlmServer([stream([role, stall])]);
  await using ends = clientOf(server);
  const failed = ends.fails({ streaming: true });
  await server.received(1);
  await ends.client.close();
  expect(await failed).toMatchObject({ kind: "network", attempts: 1 });
  await server.idle();
});

test.concurrent("a signal that is aborted already sends nothing", async () => {
  await using server = await startLlmServer([]);
  await using ends = clientOf(server);
  expect(await ends.fails({ streaming: true, signal: AbortSignal.abort() })).toMatchObject({
    kind: "aborted",
    attempts: 0,
  });
});

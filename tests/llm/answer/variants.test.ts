import { type AddressInfo, createServer, type Socket } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import type { Completion } from "../../../src/core/messages.js";
import {
  answer,
  chunk,
  cutStream,
  json,
  type Piece,
  type Step,
  startLlmServer,
  stream,
} from "../../support/llm-server.js";
import { clientOf } from "../client-of.js";

/** More variants of the server classes in the reference: framing, shapes, errors and ends of an answer. */

const hello = chunk({ content: "Hello" });
const stop = chunk({}, "stop");
const done = "data: [DONE]\n\n";
const line = (event: object) => `data: ${JSON.stringify(event)}`;
const frames = (end: string) => [line(hello), line(stop), "data: [DONE]"].map((text) => text + end + end).join("");

const modes = describe.each([{ streaming: true }, { streaming: false }]);

modes("a stream framed in another way, streaming: $streaming", ({ streaming }) => {
  test.each<[string, Piece[]]>([
    ["CR only", [frames("\r")]],
    ["line ends of three kinds", [`${line(hello)}\r\r`, `${line(stop)}\r\n\n`, done]],
    ["a byte order mark before a comment", ["\uFEFF: hello\n\n", hello, stop, done]],
    ["named events", ["event: message\n", hello, "event: completion\nid: 7\n", stop, "event: done\n", done]],
    ["spaces after data:", [`data:   ${JSON.stringify(hello)}  \n\n`, stop, "data:  [DONE]  \n\n"]],
    ["JSON over several lines", [multiLine(), stop, done]],
    ["no blank lines between events", [`${line(hello)}\n${line(stop)}\ndata: [DONE]\n\n`]],
    ["a last event without any line end", [hello, line(stop)]],
    ["[done] in small letters and quotes", [hello, 'data: "[done]"\n\n']],
    [
      "empty data, numbers, words, lists and true between events",
      [hello, "data\n\n", "data: 1\n\n", "data: ping\n\n", "data: []\n\n", "data: true\n\n", stop, done],
    ],
    [
      "empty objects and unknown ones",
      ["data: {}\n\n", { type: "ping" }, { object: "keepalive", choices: [] }, hello, stop, done],
    ],
    [
      "error fields that say nothing",
      [{ ...hello, error: null }, { ...hello, choices: [], error: {}, errors: [] }, { ...stop, error: "" }, done],
    ],
    ["content after [DONE]", [hello, stop, done, chunk({ content: " again" })]],
    ["empty lines before the first event", ["\n\n\r\n\n", hello, stop, done]],
    ["another content type", [hello, stop, done]],
  ])("%s", async (_name, pieces) => {
    await using server = await startLlmServer([stream(pieces, { headers: { "content-type": "text/plain" } })]);
    await using ends = clientOf(server, { maxRetries: 0 });
    expect((await ends.ask({ streaming })).message).toEqual({ role: "assistant", content: "Hello", toolCalls: [] });
    expect(ends.shown()).toBe(streaming ? "Hello" : "");
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ["gzip", (bytes) => gzipSync(bytes)],
    ["x-gzip", (bytes) => gzipSync(bytes)],
    ["deflate", (bytes) => deflateSync(bytes)],
    ["br", (bytes) => brotliCompressSync(bytes)],
  ])("compressed with %s, though identity was asked for", async (encoding, compress) => {
    const headers = { "content-encoding": encoding };
    const document = { choices: [{ message: { content: "Hello" }, finish_reason: "stop" }] };
    const steps: Step[] = [
      (response) => response.writeHead(200, headers).end(compress(Buffer.from(frames("\n")))),
      (response) => response.writeHead(200, headers).end(compress(Buffer.from(JSON.stringify(document)))),
      (response) => response.writeHead(503, headers).end(compress(Buffer.from('{"error":{"message":"busy"}}'))),
    ];
    await using server = await startLlmServer(steps);
    await using ends = clientOf(server, { maxRetries: 0 });
    for (let round = 0; round < 2; round++) expect((await ends.ask({ streaming })).message.content).toBe("Hello");
    expect((await ends.fails({ streaming })).message).toBe("test/m1: error 503: busy");
  });

  test.each<[string, Step]>([
    ["gzip that is no gzip", (response) => response.writeHead(200, { "content-encoding": "gzip" }).end("plain text")],
    [
      "gzip cut with a clean end",
      (response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("x".repeat(50_000)).subarray(0, 60)),
    ],
    [
      "brotli cut",
      (response) => response.writeHead(200, { "content-encoding": "br" }).end(brotliCompressSync("x").subarray(0, 3)),
    ],
    [
      "less than the content length",
      (response) => void response.writeHead(200, { "content-length": "999" }).write("{", () => response.socket?.end()),
    ],
  ])("%s is repeated", async (_name, step) => {
    await using server = await startLlmServer([step, answer("Hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming })).toMatchObject({ message: { content: "Hello" }, attempts: 2 });
  });
});

modes("an answer of another shape, streaming: $streaming", ({ streaming }) => {
  const usage = (counts: object) => ({ choices: [], usage: counts });
  test.each<[string, Piece[], Partial<Pick<Completion, "usage" | "finishReason">> & { content?: string }]>([
    [
      "numbers as strings in usage",
      [hello, stop, usage({ prompt_tokens: "7", completion_tokens: " 2 " }), done],
      { usage: { inputTokens: 7, outputTokens: 2 } },
    ],
    [
      "usage under newer names",
      [hello, stop, usage({ input_tokens: 7, output_tokens: 2 }), done],
      { usage: { inputTokens: 7, outputTokens: 2 } },
    ],
    [
      "usage inside the choice",
      [
        hello,
        { choices: [{ delta: {}, finish_reason: "stop", usage: { prompt_tokens: 7, completion_tokens: 2 } }] },
        done,
      ],
      { usage: { inputTokens: 7, outputTokens: 2 } },
    ],
    [
      "usage growing in every chunk",
      [
        { ...hello, usage: { prompt_tokens: 7, completion_tokens: 1 } },
        { ...stop, usage: { prompt_tokens: 7, completion_tokens: 2 } },
        done,
      ],
      { usage: { inputTokens: 7, outputTokens: 2 } },
    ],
    [
      "usage of nonsense",
      [hello, stop, usage({ prompt_tokens: "many", completion_tokens: {} }), done],
      { usage: undefined },
    ],
    [
      "usage that is a list, a word, zero",
      [{ ...hello, usage: [] }, { ...stop, usage: "none" }, { choices: [], usage: 0 }, done],
      { usage: undefined },
    ],
    [
      "zero counts",
      [hello, stop, usage({ prompt_tokens: 0, completion_tokens: 0 }), done],
      { usage: { inputTokens: 0, outputTokens: 0 } },
    ],
    [
      "messages where deltas should be",
      [{ choices: [{ message: { content: "Hello" }, finish_reason: "stop" }] }, done],
      {},
    ],
    ["finish_reason in capitals", [hello, chunk({}, "STOP"), done], { finishReason: "stop" }],
    [
      "finish_reason that is the word null",
      [hello, { choices: [{ delta: {}, finish_reason: "null" }] }, done],
      { finishReason: "unknown" },
    ],
    [
      "finish_reason that is a number",
      [hello, { choices: [{ delta: {}, finish_reason: 1 }] }, done],
      { finishReason: "unknown" },
    ],
    ["finish_reason with the last text", [chunk({ content: "Hello" }, "stop")], { finishReason: "stop" }],
    [
      "deltas that are lists, words, numbers",
      [
        { choices: [{ delta: [] }, 1] },
        { choices: [{ delta: "x" }] },
        { choices: "none" },
        { choices: {} },
        hello,
        stop,
        done,
      ],
      {},
    ],
    [
      "content of wrong types",
      [
        chunk({ content: 5 }),
        chunk({ content: {} }),
        chunk({ content: [null, "x", { type: "image" }] }),
        hello,
        stop,
        done,
      ],
      {},
    ],
    [
      "tool_calls of wrong types",
      [
        chunk({ tool_calls: null }),
        chunk({ tool_calls: {} }),
        chunk({ tool_calls: [] }),
        chunk({ tool_calls: [null, 1] }),
        hello,
        stop,
        done,
      ],
      {},
    ],
  ])("%s", async (_name, pieces, { content = "Hello", ...expected }) => {
    await using server = await startLlmServer([stream(pieces)]);
    await using ends = clientOf(server, { maxRetries: 0 });
    const completion = await ends.ask({ streaming });
    expect(completion.message).toEqual({ role: "assistant", content, toolCalls: [] });
    expect({ usage: completion.usage, finishReason: completion.finishReason }).toMatchObject(expected);
  });
});

/** Bodies with status 200 that are not an answer, sent as a document and as an event. */
const complaints: [string, object, string, string][] = [
  ["a string", { error: "llm server loading model" }, "overloaded", "llm server loading model"],
  ["a word, and a message", { error: "insufficient_quota", message: "pay first" }, "quota", "pay first"],
  ["a list", { errors: [{ message: "rate limit reached", code: 429 }] }, "rate_limit", "error 429: rate limit reached"],
  ["a list under error", { error: [{ message: "boom" }] }, "server", "error: boom"],
  [
    "nested in detail",
    { error: { detail: { error: { message: "context length exceeded" } } } },
    "context_length",
    "context length exceeded",
  ],
  [
    "an object in message",
    { object: "error", message: { detail: "bad field" }, code: 422 },
    "bad_request",
    "error 422: bad field",
  ],
  ["true, with a message", { error: true, message: "Overloaded" }, "overloaded", "Overloaded"],
  ["a code as a string", { error: { code: "503", message: "busy" } }, "overloaded", "error 503: busy"],
  ["a status code", { error: { status_code: 401, message: "who?" } }, "auth", "error 401: who?"],
  ["no error field: a status", { status: "error", message: "nope" }, "server", "error: nope"],
  ["no error field: a code", { code: 400, message: "missing field" }, "bad_request", "error 400: missing field"],
  [
    "no error field: a word for it",
    { code: "Arrearage", message: "insufficient balance" },
    "quota",
    "insufficient balance",
  ],
  ["no error field: FastAPI", { detail: "Too many requests" }, "rate_limit", "Too many requests"],
  [
    "no error field: MiniMax",
    { base_resp: { status_code: 1008, status_msg: "insufficient balance" } },
    "quota",
    "insufficient balance",
  ],
  ["no error field: Baidu", { error_code: 18, error_msg: "rate limit reached" }, "rate_limit", "rate limit reached"],
  ["a type only", { type: "error", error: { type: "overloaded_error" } }, "overloaded", "error 529"],
];

modes("an error in the body of a 200, streaming: $streaming", ({ streaming }) => {
  test.each(complaints)("%s", async (_name, body, kind, said) => {
    await using server = await startLlmServer([json(body), stream([body, done]), json([body])]);
    await using ends = clientOf(server, { maxRetries: 0 });
    for (let round = 0; round < 3; round++) {
      const error = await ends.fails({ streaming });
      expect(error.kind).toBe(kind);
      expect(error.message).toContain(said);
    }
  });

  test("plain text", async () => {
    await using server = await startLlmServer([(response) => response.end("no healthy upstream"), answer("Hello")]);
    await using ends = clientOf(server, { maxRetries: 0 });
    const error = await ends.fails({ streaming });
    expect(error).toMatchObject({ kind: "server", retryable: true, message: "test/m1: error: no healthy upstream" });
    expect((await ends.ask({ streaming })).message.content).toBe("Hello");
  });

  test("an error event of plain text is an error, also before [DONE]", async () => {
    const pieces = [hello, "event: error\ndata: upstream went away\n\n", done];
    await using server = await startLlmServer([stream(pieces), stream(pieces)]);
    await using ends = clientOf(server, { maxRetries: 0 });
    const error = await ends.fails({ streaming });
    expect(error.kind).toBe(streaming ? "stream_interrupted" : "server");
    expect(error.message).toContain("upstream went away");
    expect(await ends.fails({ streaming })).toMatchObject({ kind: error.kind });
  });

  test.each<[string, string]>([
    ["a doctype", "<!DOCTYPE html><html>"],
    ["spaces and a byte order mark before it", "\uFEFF \r\n\t<html lang=en>"],
    ["a comment before it", "<!-- cached --><html>"],
    ["XML", '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'],
  ])("a page with %s says that base_url is wrong, and is not asked for again", async (_name, page) => {
    await using server = await startLlmServer([
      (response) => response.writeHead(200, { "content-type": "text/html" }).end(page),
    ]);
    await using ends = clientOf(server);
    const error = await ends.fails({ streaming });
    expect(error).toMatchObject({ kind: "html", attempts: 1 });
    expect(error.hint).toContain("Wrong base_url?");
  });

  test.each<[string, Step]>([
    ["204", (response) => response.writeHead(204).end()],
    ["only blank lines", (response) => response.end("\n\n \n")],
    ["null", json(null)],
    ["an empty list", json([])],
    ["a number", json(5)],
  ])("%s is repeated", async (_name, step) => {
    await using server = await startLlmServer([step, answer("Hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming })).toMatchObject({ message: { content: "Hello" }, attempts: 2 });
  });
});

test("blank lines that keep the connection alive do not count as part of a whole answer", async () => {
  const document = { choices: [{ message: { content: "Hello" }, finish_reason: "stop" }] };
  await using server = await startLlmServer([stream(["\n", "\n\n", " ", JSON.stringify(document), "\n"])]);
  await using ends = clientOf(server, { maxRetries: 0 });
  expect((await ends.ask({ streaming: false })).message.content).toBe("Hello");
});

modes("an answer whose end is the end of the connection, streaming: $streaming", ({ streaming }) => {
  test.each([
    ["whole", frames("\n"), "Hello"],
    ["cut", `${line(hello)}\n\n`, streaming ? "stream_interrupted" : "network"],
  ])("%s", async (_name, body, expected) => {
    const server = createServer((socket: Socket) => {
      socket.once("data", () => socket.end(`HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n${body}`));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await using ends = clientOf(
      { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` },
      { maxRetries: 0 },
    );
    const outcome = await ends.ask({ streaming }).then(
      ({ message }) => message.content,
      ({ kind }: { kind: string }) => kind,
    );
    expect(outcome).toBe(expected);
    server.close();
  });
});

test("deltas that arrive in one read of the socket are all shown, the later ones joined into one", async () => {
  const piece = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const event = (content: string) => `${line(chunk({ content }))}\n\n`;
  const cut = event(" four");
  const rest = [event(" two"), event(" three"), cut.slice(0, 20), cut.slice(20), `${line(stop)}\n\n`].map(piece);
  let client: Socket | undefined;
  const server = createServer((socket) => {
    client = socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${piece(event("One"))}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using ends = clientOf({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });
  const deltas: unknown[] = [];
  const onDelta = (delta: unknown) => {
    if (deltas.push(delta) === 1) client?.end(`${rest.join("")}0\r\n\r\n`);
  };
  expect((await ends.ask({ streaming: true, onDelta })).message.content).toBe("One two three four");
  expect(deltas).toEqual(["One", " two", " three four"].map((delta) => ({ type: "text_delta", delta })));
  server.close();
});

test("half a character before a cut is not shown", async () => {
  const bytes = Buffer.from(line(chunk({ content: "Hé" })));
  await using server = await startLlmServer([stream([hello, bytes.subarray(0, bytes.indexOf(0xc3) + 1), cutStream])]);
  await using ends = clientOf(server, { maxRetries: 0 });
  await ends.fails({ streaming: true });
  expect(ends.shown()).toBe("Hello");
});

function multiLine(): string {
  return `${JSON.stringify(hello, null, 1)
    .split("\n")
    .map((part) => `data: ${part}\n`)
    .join("")}\n`;
}

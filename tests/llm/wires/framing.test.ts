import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AssistantMessage } from "../../../src/core/messages.js";
import { wires } from "../../support/every-wire.js";
import { json, type LlmServer, type Piece, type Step, startLlmServer, stream } from "../../support/llm-server.js";
import { answer, calls, says, thinks } from "../../support/strict/index.js";
import { type WrittenCall, wholeAnswer } from "../../support/whole-answer.js";
import { clientOf } from "../client-of.js";
import { rawClient } from "../strict/raw-client.js";

/** Programs between host and provider frame a stream in their own ways. On every wire the answer stays the same. */

const script = [
  answer(thinks("hm"), says("北京🌍ь é, in several pieces"), calls("fs__read", { a: "ü" }), calls("fs__read")),
];
const user = { role: "user" as const, content: "hi" };
const bodies = {
  responses: { model: "gpt-5.6-sol", input: "hi", reasoning: { summary: "auto" } },
  messages: {
    model: "claude-opus-5",
    max_tokens: 100,
    messages: [user],
    thinking: { type: "adaptive", display: "summarized" },
  },
  gemini: {
    contents: [{ role: "user", parts: [{ text: "hi" }] }],
    generationConfig: { thinkingConfig: { includeThoughts: true } },
  },
  chat: { model: "gpt-5.1", messages: [user] },
};

let steps: Step[] = [];
let server: LlmServer;
beforeAll(async () => {
  server = await startLlmServer(() => steps.shift() ?? json({}));
});
afterAll(async () => server[Symbol.asyncDispose]());

const lineEnds = (text: string, end: string) => text.replaceAll("\r\n", "\n").replaceAll("\n", end);
const eachEvent = (text: string, change: (event: string) => string) =>
  lineEnds(text, "\n")
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => `${change(event)}\n\n`)
    .join("");
const overLines = (event: string) =>
  event.replace(/^data: ({.*)$/m, (_, data: string) =>
    JSON.stringify(JSON.parse(data), null, 1)
      .split("\n")
      .map((line) => `data: ${line}`)
      .join("\n"),
  );

const framings: [string, (text: string) => Piece[]][] = [
  ["LF", (text) => [lineEnds(text, "\n")]],
  ["CR LF", (text) => [lineEnds(text, "\r\n")]],
  ["CR alone", (text) => [lineEnds(text, "\r")]],
  [
    "a byte order mark, and comments between events",
    (text) => [`\uFEFF: hello\n\n${eachEvent(text, (event) => `: working\n\n${event}`)}`],
  ],
  ["one byte at a time", (text) => [...Buffer.from(text)].map((byte) => Buffer.from([byte]))],
  ["no space after the colon", (text) => [text.replaceAll(/^data: /gm, "data:")]],
  ["spaces around the data", (text) => [eachEvent(text, (event) => event.replace(/^data: (.*)$/m, "data:   $1  "))]],
  ["JSON over several lines", (text) => [eachEvent(text, overLines)]],
  ["no names of events", (text) => [text.replaceAll(/^event: .*\r?\n/gm, "")]],
  ["ids and times of retries", (text) => [eachEvent(text, (event) => `id: 7\nretry: 10\n${event}`)]],
  ["no blank line at the end", (text) => [text.trimEnd()]],
  [
    "events that are no objects, or unknown",
    (text) => [eachEvent(text, (event) => `data\n\ndata: null\n\ndata: 1\n\ndata: {}\n\n${event}`)],
  ],
];

describe.each(wires)("over $name", ({ wire, model, start }) => {
  let text = "";
  let whole: AssistantMessage;
  const tested = (retries = 0) => clientOf(server, { maxRetries: retries }, { wire, model });
  /** Returns the message without fields that are generated for each answer. */
  const said = ({ content, reasoning, toolCalls, kept }: AssistantMessage) => ({
    content,
    reasoning,
    calls: toolCalls.map(({ name, arguments: text }) => [name, text]),
    parts: kept?.parts,
  });

  beforeAll(async () => {
    await using mock = await start(script);
    text = await rawClient(mock, wire).streamText(bodies[wire]);
    steps = [stream([text])];
    await using client = tested();
    whole = (await client.ask({ streaming: true })).message;
  });

  test("the answer is complete", () => {
    expect(said(whole)).toMatchObject({
      content: "北京🌍ь é, in several pieces",
      reasoning: wire === "chat" ? undefined : "hm",
      calls: [
        ["fs__read", '{"a":"ü"}'],
        ["fs__read", "{}"],
      ],
    });
  });

  test.each(framings)("the answer is the same with %s", async (_name, framed) => {
    steps = [stream(framed(text))];
    await using client = tested();
    const { message } = await client.ask({ streaming: true });
    expect(said(message)).toEqual(said(whole));
    expect(client.shown()).toBe(`${whole.reasoning ?? ""}${whole.content}`);
  });

  test("the answer is the same when it is compressed, though identity was asked for", async () => {
    steps = [(response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(text))];
    await using client = tested();
    expect(said((await client.ask({ streaming: true })).message)).toEqual(said(whole));
  });

  test.each<[string, Step, object]>([
    ["an error of a gateway", json({ error: { message: "busy", code: 503 } }), { kind: "overloaded", retryable: true }],
    ["an error without a code", json({ error: "llm server loading model" }), { kind: "overloaded" }],
    [
      "a quota",
      json({ error: { message: "pay first", code: "insufficient_quota" } }),
      { kind: "quota", retryable: false },
    ],
    [
      "a page",
      (response) => response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><html>"),
      { kind: "html" },
    ],
    ["nothing", (response) => response.writeHead(200).end(), { kind: "empty_stream", retryable: true }],
    [
      "plain text",
      (response) => response.end("no healthy upstream"),
      { kind: "server", message: expect.stringContaining("no healthy upstream") },
    ],
    ["an event that is cut", stream(['data: {"type":"x', "\n\n"]), { retryable: true }],
  ])("a 200 with %s is an error", async (_name, step, expected) => {
    for (const streaming of [true, false]) {
      steps = [step];
      await using client = tested();
      expect(await client.fails({ streaming })).toMatchObject(expected);
    }
  });
});

test.each(wires)(
  "a call that an answer repeats runs once, and two different calls with one id both run, over $name",
  async ({ wire, model }) => {
    const written: WrittenCall[] = [
      ["a", 1],
      ["a", 1],
      ["a", 2],
      ["b", 1],
      ["b", 1],
    ];
    steps = [json(wholeAnswer[wire](written))];
    await using client = clientOf(server, {}, { wire, model });
    const { message } = await client.ask({ streaming: false });
    expect(message.toolCalls).toEqual([
      { id: "a", name: "f", arguments: '{"n":1}' },
      { id: expect.stringMatching(/^call_new/), name: "f", arguments: '{"n":2}' },
      { id: "b", name: "f", arguments: '{"n":1}' },
    ]);
    expect(message.kept?.parts).toMatchObject([{ opaque: {} }, { call: 0 }, { call: 1 }, { call: 2 }]);
  },
);

test.each(["responses", "chat"] as const)(
  "a limit inside a stream of %s says in its message how long to wait",
  async (wire) => {
    const error = { code: "rate_limit_exceeded", message: "Rate limit reached. Please try again in 11.054s." };
    steps = [
      stream([wire === "chat" ? { error } : { type: "response.failed", response: { status: "failed", error } }]),
    ];
    await using client = clientOf(server, { maxRetries: 0 }, { wire, model: "some-model" });
    expect(await client.fails({ streaming: true })).toMatchObject({ kind: "rate_limit", retryAfterMs: 11_054 });
  },
);

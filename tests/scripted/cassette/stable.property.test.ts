import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ServerAnswer, ServerLife } from "../../../src/core/transports.js";
import { openCassette } from "../../../src/scripted/cassette/cassette.js";
import { type Arrival, bytesOf, chunksOf } from "../../../src/scripted/cassette/file/recorded-chunks.js";
import { changeText, differences } from "../../../src/scripted/cassette/playing/diff.js";
import { temporaryFolder } from "../../support/mcp-hub.js";
import { runs } from "../../support/runs.js";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const word = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "2026-11-25T10:00:00Z",
    "0b8f6d3e-1c2d-4e5f-8a9b-0c1d2e3f4a5b",
    "http://127.0.0.1:4711/x",
    "call_0123456789abcdef0123456789abcdef",
    '{"password":"hunter22"}',
    '{"secret": 12345678}',
    "api_key=abcdefghi",
    "Bearer abcdefghijklmnop",
    "sk-proj-abcdefghijklmnop1234",
    "\u001b[31mred\u202e",
    "__proto__",
  ),
);
const json = fc.dictionary(
  word,
  fc.jsonValue({ maxDepth: 2 }).map((value) => value ?? "null"),
  { maxKeys: 4 },
);

const modelCall = fc.record({
  kind: fc.constant("model" as const),
  request: json,
  status: fc.constantFrom(200, 200, 400, 429),
  type: fc.constantFrom("text/event-stream", "application/json"),
  pieces: fc.array(
    fc.oneof(
      word.map((text) =>
        Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `${text} ` } }] })}\n\n`),
      ),
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    ),
    {
      maxLength: 5,
    },
  ),
});
const serverCall = fc.record({
  kind: fc.constant("server" as const),
  server: fc.constantFrom("fs", "git"),
  method: fc.constantFrom("tools/call", "prompts/get", "tools/list"),
  params: json,
  progress: fc.array(fc.nat(), { maxLength: 3 }),
  notify: fc.option(json, { nil: undefined }),
  ask: fc.option(fc.tuple(json, json), { nil: undefined }),
  answer: fc.oneof(
    json.map((result): ServerAnswer => ({ result })),
    fc.record({ code: fc.integer(), message: word }).map((error): ServerAnswer => ({ error })),
    word.map((message): ServerAnswer => ({ failure: { kind: "timeout", message } })),
  ),
});
const sessions = fc.array(fc.oneof(modelCall, serverCall), { maxLength: 8 });
type Call = ReturnType<typeof sessions.generate>["value"][number];

const signal = new AbortController().signal;
const nobody: ServerLife = { progress() {}, notified() {}, closed() {}, ask: async () => ({ result: {} }) };

/** Records the calls to a file. The answers are the generated ones, or those of the cassette `from`. */
async function record(path: string, calls: readonly Call[], from?: string): Promise<string> {
  const { tape, finish } = await openCassette({ path, mode: "record", now: () => 0 });
  const player = from === undefined ? undefined : await openCassette({ path: from, mode: "replay", speed: "recorded" });
  for (const server of ["fs", "git"]) {
    await tape.hello(server, nobody, async (life) => {
      const hello = { era: "legacy" as const, capabilities: { tools: {} } };
      return player ? player.tape.hello(server, life, async () => hello) : hello;
    });
  }
  for (const call of calls) {
    if (call.kind === "model") {
      const exchange = { provider: "p", model: "m", path: "/v1", body: JSON.stringify(call.request), signal };
      const { body } = await tape.model(exchange, async () => {
        if (player) return player.tape.model(exchange, () => Promise.reject(new Error("no wire")));
        return {
          status: call.status,
          headers: { "content-type": call.type, "x-secret": "no" },
          body: slowly(call.pieces),
        };
      });
      await buffer(body);
      continue;
    }
    const exchange = { server: call.server, method: call.method, params: call.params, signal };
    const life = { ...nobody, ask: async () => ({ result: call.ask?.[1] ?? {} }) };
    await tape.server(exchange, life, async (own) => {
      if (player) return player.tape.server(exchange, own, () => Promise.reject(new Error("no wire")));
      if (call.method !== "tools/list") {
        for (const progress of call.progress) own.progress({ progress });
        if (call.notify) own.notified("notifications/message", call.notify);
        if (call.ask) await own.ask("elicitation/create", call.ask[0], signal);
      }
      return call.answer;
    });
  }
  expect(await finish()).toEqual([]);
  expect(player?.misses ?? []).toEqual([]);
  return readFileSync(path, "utf8");
}

async function* slowly(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) if (piece.length > 0) yield piece;
}

test("the recording of a replay is the recording", async () => {
  const first = join(folder.path, "first.jsonl");
  const second = join(folder.path, "second.jsonl");
  await fc.assert(
    fc.asyncProperty(sessions, async (calls) => {
      // Two equal requests for the list become one line, whose result is that of the last request. So only one is kept.
      const distinct = calls.filter(
        (call, index) => !("method" in call && call.method === "tools/list") || index === 0,
      );
      const text = await record(first, distinct);
      expect(await record(second, distinct, first)).toBe(text);
      for (const secret of ["hunter22", "abcdefghijklmnop"]) expect(text).not.toContain(secret);
    }),
    { numRuns: runs(200), seed: 4711 },
  );
});

test("chunks are the bytes again, wherever the network and the characters were cut", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.nat(50),
          fc.oneof(
            fc.uint8Array(),
            word.map((text) => Buffer.from(`${text}\n\n`).subarray(1)),
          ),
        ),
      ),
      fc.boolean(),
      (pieces, isStream) => {
        let at = 0;
        const arrivals = pieces.map(([ms, bytes]): Arrival => {
          at += ms;
          return [at, Buffer.from(bytes)];
        });
        const chunks = chunksOf(arrivals, 0, isStream);
        expect(Buffer.concat(chunks.map(bytesOf))).toEqual(Buffer.concat(arrivals.map(([, bytes]) => bytes)));
        expect(chunks.reduce((sum, [ms]) => sum + ms, 0)).toBeLessThanOrEqual(at);
      },
    ),
  );
});

test("what is streamed is cut at its events, so that it is the same in every recording", () => {
  const whole = Buffer.from('data: {"a":"ü"}\n\ndata: {"b":1}\r\n\r\ndata: [DONE]\n\n');
  const cut = (size: number) =>
    Array.from(
      { length: Math.ceil(whole.length / size) },
      (_, index): Arrival => [index, whole.subarray(index * size, (index + 1) * size)],
    );
  for (const size of [1, 2, 7, 100]) {
    expect(chunksOf(cut(size), 0, true).map(([, piece]) => piece)).toEqual([
      'data: {"a":"ü"}\n\n',
      'data: {"b":1}\r\n\r\n',
      "data: [DONE]\n\n",
    ]);
  }
  expect(chunksOf([[3, Buffer.from([255, 254])]], 0, false)).toEqual([[3, { base64: "//4=" }]]);
});

test("a diff is short, and safe for a terminal", () => {
  const long = "x".repeat(500);
  const found = differences(
    { a: `${long}one`, b: "\u001b[2J\u202e", c: [1, 2], "a b": 1 },
    { a: `${long}two`, b: "", c: [1, 2, 3] },
  );
  expect(changeText(found)).toBe(
    [
      `  $.a\n    recorded: …"${"x".repeat(20)}one"\n    now:      …"${"x".repeat(20)}two"`,
      '  $["a b"]\n    recorded: 1\n    now:      (nothing)',
      '  $.b\n    recorded: "\\u001b[2J\\u202e"\n    now:      ""',
      "  $.c[2]\n    recorded: (nothing)\n    now:      3",
    ].join("\n"),
  );
  expect(
    changeText(differences({}, Object.fromEntries(Array.from({ length: 9 }, (_, index) => [index, index])))),
  ).toMatch(/and 4 more differences$/);
});

test("a file is whole or not there", async () => {
  const path = join(folder.path, "no", "such", "folder.jsonl");
  const { finish } = await openCassette({ path, mode: "record" });
  writeFileSync(join(folder.path, "no"), "a file");
  expect(await finish()).toEqual([expect.stringContaining(`the cassette ${path} was not written`)]);
});

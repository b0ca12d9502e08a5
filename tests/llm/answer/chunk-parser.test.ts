import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Delta } from "../../../src/core/chat.js";
import { ChunkParser } from "../../../src/llm/answer/chunk-parser.js";
import { MessageReader } from "../../../src/llm/answer/message-reader.js";
import { chat } from "../../../src/llm/wires/chat/chat.js";
import { ChatFold } from "../../../src/llm/wires/chat/fold.js";
import type { WordPlace } from "../../../src/llm/wires/wire.js";
import { runs } from "../../support/runs.js";

const words = chat.words as WordPlace;

const chunk = (delta: object, rest: object = {}) =>
  JSON.stringify({ id: "c1", choices: [{ index: 0, delta, ...rest }] });

test("whatever comes in whatever order is what JSON.parse makes of it", () => {
  const word = fc.oneof(
    fc.string({ maxLength: 14 }),
    fc.string({ unit: "binary", maxLength: 4 }),
    fc.constant("content"),
  );
  const text = fc.oneof(
    { weight: 6, arbitrary: word.map((content) => chunk({ content })) },
    word.map((content) => chunk({ content, role: "assistant" })),
    word.map((content) => chunk({ content }, { finish_reason: content })),
    word.map((content) => chunk({ content }, { logprobs: { content: [{ token: content }] } })),
    fc.tuple(word, word).map(([content, other]) => chunk({ content }, { message: { content: other } })),
    fc.tuple(word, word).map(([content, other]) => chunk({ reasoning: other, content })),
    word.map((content) => chunk({ content }).replaceAll(":", " : ")),
    word.map((content) => chunk({ content }).slice(0, -2)),
    word.map((content) => `${chunk({ content })}}`),
    word.map((id) => JSON.stringify({ id, choices: [{ delta: { content: "same" } }] })),
    word.map((content) => JSON.stringify({ content, choices: [] })),
    fc.json(),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), (texts) => {
      const parser = new ChunkParser(words);
      for (const one of texts) {
        const parsed = parsedObject(one);
        expect(JSON.stringify(parser.parse(one))).toBe(JSON.stringify(parsed));
      }
    }),
    { numRuns: runs(500) },
  );
});

function parsedObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

test("chunks that differ in their word alone are one object; any other is a new one", () => {
  const parser = new ChunkParser(words);
  const first = parser.parse(chunk({ content: "one" }));
  expect(parser.parse(chunk({ content: " two" }))).toBe(first);
  expect(first).toEqual(JSON.parse(chunk({ content: " two" })));
  for (const content of ['a "quote"', "a word that is long", "\ud83d", "\n"]) {
    expect(parser.parse(chunk({ content }))).toBe(first);
    expect(first).toEqual(JSON.parse(chunk({ content })));
  }
  expect(parser.parse(chunk({ content: "more", role: "assistant" }))).not.toBe(first);
});

test.each([{ thinkTags: false }, { thinkTags: true }])(
  "a stream of any events, cut anywhere, tells what a parser of every event tells: $thinkTags",
  (quirks) => {
    const word = fc.oneof(
      fc.string({ maxLength: 14 }),
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.constant("content"),
    );
    const data = fc.oneof(
      { weight: 8, arbitrary: word.map((content) => chunk({ content })) },
      word.map((content) => chunk({ content, reasoning: "r" })),
      fc.constantFrom("<think>", "</think>", "<th", "ink>").map((content) => chunk({ content })),
      word.map((content) => chunk({ content }, { finish_reason: content })),
      word.map((content) => chunk({ content }, { usage: { prompt_tokens: 1, completion_tokens: 2 } })),
      word.map((content) =>
        chunk({ content, tool_calls: [{ index: 0, id: "1", function: { name: "a", arguments: "" } }] }),
      ),
      fc.constant("[DONE]"),
      fc.constant("ping"),
      fc.constant("{"),
    );
    const line = fc.oneof(
      { weight: 8, arbitrary: data.map((text) => `data: ${text}\n\n`) },
      data.map((text) => `data:${text}\n\n`),
      data.map((text) => `data: ${text}\r\n\r\n`),
      data.map((text) => `event: x\ndata: ${text}\n\n`),
      data.map((text) => `: comment\ndata: ${text}\n\n\n`),
      data.map((text) => `data: ${text}\n`),
    );
    const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), cuts, (lines, lengths) => {
        const text = lines.join("");
        // With such line ends every event goes through the parser.
        expect(toldBy(text, lengths, quirks)).toEqual(toldBy(text.replaceAll(/\r?\n/g, "\r\n"), [], quirks));
      }),
      { numRuns: runs(500) },
    );
  },
);

/** What the fold of a stream shows, and what comes of it; words that came together are one delta. `cuts`: lengths of its first pieces. */
function toldBy(text: string, cuts: readonly number[], quirks: { thinkTags: boolean }): unknown {
  const shown: Delta[] = [];
  const onDelta = ({ type, delta }: Delta) => {
    const last = shown.at(-1);
    if (last?.type === type) last.delta += delta;
    else shown.push({ type, delta });
  };
  const fold = new ChatFold({ onDelta }, quirks);
  const reader = new MessageReader((message) => fold.push(message), fold, words);
  const faults: unknown[] = [];
  let rest = Buffer.from(text);
  for (const length of [...cuts, rest.length]) {
    faults.push(reader.feed(rest.subarray(0, length)));
    rest = rest.subarray(length);
  }
  faults.push(reader.end());
  const { end, progress } = fold;
  const fault = faults.find((each) => each !== undefined);
  return {
    shown,
    fault,
    isDone: reader.isDone,
    end,
    hasProgress: progress > 0,
    answer: fold.finish(
      () => "id",
      () => false,
    ),
  };
}

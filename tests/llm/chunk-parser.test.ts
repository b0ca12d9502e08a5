import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { ChunkParser } from "../../src/llm/chunk-parser.js";

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
      const parser = new ChunkParser();
      for (const one of texts) {
        const parsed = parsedObject(one);
        expect(JSON.stringify(parser.parse(one))).toBe(JSON.stringify(parsed));
      }
    }),
    { numRuns: 500 },
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
  const parser = new ChunkParser();
  const first = parser.parse(chunk({ content: "one" }));
  expect(parser.parse(chunk({ content: " two" }))).toBe(first);
  expect(first).toEqual(JSON.parse(chunk({ content: " two" })));
  expect(parser.parse(chunk({ content: 'a "quote"' }))).not.toBe(first);
  expect(parser.parse(chunk({ content: "a word that is long" }))).not.toBe(first);
});

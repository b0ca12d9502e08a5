import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { textsIn, withoutQuotes } from "../../../src/llm/call/quotes.js";

const prompt = 'Why is the "blue elephant"\nso fond of Mozart?';

test.each<[string, string, string]>([
  ["all of it", `Invalid content: ${prompt}. See the docs.`, "Invalid content: …. See the docs."],
  ["all of it as JSON", `Bad request: ${JSON.stringify({ content: prompt })}`, 'Bad request: {"content":"…"}'],
  ["a part", "Could not parse 'elephant\"\nso fond of Moz'", "Could not parse '…'"],
  ["nothing", "The model `m1` does not exist", "The model `m1` does not exist"],
  ["a word that both use", "so fond of music", "so fond of music"],
  ["a part before what JSON would go on with", '        !is the "blue elephant\\', "        !…\\"],
  ["two parts", 'Why is the "blue el and so fond of Mozart', "… and …"],
])("quoted: %s", (_name, said, expected) => {
  expect(withoutQuotes(said, [prompt])).toBe(expected);
});

test("a short text counts as a quotation between quotation marks only", () => {
  expect(withoutQuotes("model 'model' is no model", ["model"])).toBe("model '…' is no model");
});

test("every text of a conversation is recognised in an error", () => {
  const texts = textsIn({
    messages: [
      { role: "system", content: "system" },
      { role: "user", content: [{ type: "text", text: "question" }] },
      {
        role: "assistant",
        content: "answer",
        reasoning: "thought",
        toolCalls: [{ id: "a", name: "f", arguments: '{"x":1}' }],
      },
      { role: "tool", toolCallId: "a", content: [{ type: "text", text: "result" }], isError: false },
    ],
    tools: [],
  });
  expect(texts).toEqual(["system", "question", "answer", "thought", '{"x":1}', "result"]);
});

test("no quotation of 16 characters stays, wherever it stands and whatever is around it", () => {
  const around = fc.string({ maxLength: 40 });
  const quoted = fc.record({
    before: around,
    after: around,
    from: fc.nat(20),
    length: fc.integer({ min: 16, max: 24 }),
  });
  fc.assert(
    fc.property(quoted, ({ before, after, from, length }) => {
      const quote = prompt.slice(from, from + length);
      fc.pre(quote.length >= 16);
      expect(partsIn(withoutQuotes(before + quote + after, [prompt]))).toEqual([]);
    }),
  );
});

test("a quotation is removed too if an escape of JSON follows it", () => {
  const begins = Array.from({ length: prompt.length - 15 }, (_, from) => from);
  const said = begins.flatMap((from) =>
    begins.flatMap((more) => {
      const quote = prompt.slice(from, from + 16 + more);
      return ["\\", '\\"', "\\n"].flatMap((after) => begins.slice(0, 8).map((pad) => "!".repeat(pad) + quote + after));
    }),
  );
  expect(said.filter((text) => partsIn(withoutQuotes(text, [prompt])).length > 0)).toEqual([]);
});

/** Returns the parts of the prompt that the text contains, in pieces of 16 characters. */
function partsIn(text: string): string[] {
  const parts = Array.from({ length: prompt.length - 15 }, (_, from) => prompt.slice(from, from + 16));
  return parts.filter((part) => text.includes(part));
}

import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { RequestBody } from "../../../src/llm/call/request-draft.js";
import { runs } from "../../support/runs.js";

/** Returns the JSON with U+FFFD for each half of a character, as UTF-8 has it. */
function withWholeCharacters(json: object): object {
  const text = JSON.stringify(json, (_, value) => (typeof value === "string" ? Buffer.from(value).toString() : value));
  return JSON.parse(text) as object;
}

function expectJsonBytes(json: object): void {
  const body = new RequestBody(json);
  const bytes = Buffer.from(JSON.stringify(withWholeCharacters(json)));
  expect(Buffer.from(body.text, body.encoding).equals(bytes)).toBe(true);
  expect(body.length).toBe(bytes.length);
}

test("a body is sent as the bytes of its JSON, whether it has one alphabet or several", () => {
  for (const words of ["the sea ", "das Meer, größer ", "ÿ", "море ", "🌊 "]) {
    expectJsonBytes({ messages: Array.from({ length: 100 }, (_, place) => words.repeat(place)) });
  }
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), expectJsonBytes), { numRuns: runs(100) });
});

test("half a character, as a text that was cut has it, is sent as U+FFFD: some providers refuse the whole request for it", () => {
  expect(new RequestBody({ text: "Great \ud83d..." }).text).toBe('{"text":"Great \ufffd..."}');
  expect(new RequestBody({ text: "\ude00 😀 \ud83d\ud83d" }).text).toBe('{"text":"\ufffd 😀 \ufffd\ufffd"}');
  const written = { text: String.raw`\ud83d \\ud83d \u0041` };
  expect(JSON.parse(new RequestBody(written).text)).toEqual(written);
  const texts = fc.string({ unit: fc.constantFrom("\ud83d", "\ude00", "\\", "u", "d83d", '"', "é", "\n") });
  fc.assert(fc.property(fc.record({ text: texts }), expectJsonBytes), { numRuns: runs(300) });
});

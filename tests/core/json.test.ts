import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { hasTooManyValues, jsonProblem, parseJson } from "../../src/core/json.js";

/** The commas and the opening brackets of this value's JSON, outside of texts. */
function marksOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  return 1 + Math.max(0, inner.length - 1) + inner.reduce((sum: number, each) => sum + marksOf(each), 0);
}

/** Returns a list with this JSON in it that has so many commas and opening brackets in all. */
const listWith = (json: string, marks: number) => `[${json}${",0".repeat(marks - 1 - marksOf(JSON.parse(json)))}]`;

test("JSON with a million values is read and JSON with more is refused, whatever its texts contain", () => {
  const text = fc.array(fc.constantFrom('"', "\\", ",", "[", "{", "é", "x", "\n")).map((signs) => signs.join(""));
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: "small" }, text, fc.integer(), fc.array(tie("any")), fc.dictionary(text, tie("any"))),
  })).any;
  fc.assert(
    fc.property(value, (any) => {
      const json = JSON.stringify(any);
      expect(hasTooManyValues(listWith(json, 1_000_000))).toBe(false);
      expect(hasTooManyValues(listWith(json, 1_000_001))).toBe(true);
    }),
    { numRuns: 20 },
  );
});

test("JSON with too many values is not parsed, and says why", () => {
  const empty = `{"a":[${"{},".repeat(500_000)}{}]}`;
  expect(parseJson(empty)).toBeUndefined();
  expect(jsonProblem(empty)).toBe("the JSON has more than 1,000,000 values");
});

test("a text that is not JSON is not counted", () => {
  expect(hasTooManyValues(`A list: ${"[,".repeat(1_000_000)}`)).toBe(false);
});

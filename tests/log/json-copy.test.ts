import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { jsonCopy } from "../../src/log/shared/json-copy.js";
import { anyText } from "../support/any-text.js";
import { runs } from "../support/runs.js";

const throughText = (value: unknown) => {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
};

test("a copy equals the value after it was written as JSON and read again", () => {
  const leaf = fc.oneof(
    anyText(),
    fc.double().filter((value) => !Object.is(value, -0)),
    fc.boolean(),
    fc.constantFrom(null, undefined, Symbol("s"), () => 1, new Date(0), new Map([[1, 2]])),
  );
  const { value: any } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: "small" }, leaf, fc.array(tie("value")), tie("object")),
    object: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "toString", "0")), tie("value")),
  }));
  fc.assert(
    fc.property(any, (value) => {
      const copy = jsonCopy(value);
      expect(copy).toStrictEqual(throughText(value));
      expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
    }),
    { numRuns: runs(100) },
  );
});

test("a copy shares nothing with its original", () => {
  const event = { content: [{ type: "text", text: "hello" }] };
  const copy = jsonCopy(event);
  event.content[0] = { type: "text", text: "changed" };
  expect(copy).toEqual({ content: [{ type: "text", text: "hello" }] });
});

test("values that JSON cannot express are refused", () => {
  expect(() => jsonCopy({ value: 1n })).toThrow(TypeError);
});

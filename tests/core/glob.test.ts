import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { globMatches } from "../../src/core/patterns/glob.js";
import { runs } from "../support/runs.js";

test("a star matches any run of characters, every other character matches itself", () => {
  expect(globMatches("read_*", "read_file")).toBe(true);
  expect(globMatches("read_*", "read_")).toBe(true);
  expect(globMatches("*_all", "delete_all")).toBe(true);
  expect(globMatches("a*b*c", "a.b.b.c")).toBe(true);
  expect(globMatches("ab*ba", "aba")).toBe(false);
  expect(globMatches("read.file", "read_file")).toBe(false);
  expect(globMatches("", "x")).toBe(false);
});

test("a glob agrees with the equivalent regular expression", () => {
  const few = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
  fc.assert(
    fc.property(few, text, (pattern, name) => {
      expect(globMatches(pattern, name)).toBe(new RegExp(`^${pattern.replaceAll(/\*+/g, ".*")}$`).test(name));
    }),
    { numRuns: runs(1000) },
  );
});

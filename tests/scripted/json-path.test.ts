import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { pathProblem, readPath } from "../../src/scripted/shared/json-path.js";

const value = {
  structured: { count: 3, "a b": { "it's": 1 }, none: null },
  items: [{ id: 1, tags: ["x"] }, { id: 2, tags: [] }, { id: 3 }],
  __proto__: null,
};

test.each<[string, unknown]>([
  ["$", value],
  ["$.structured.count", 3],
  ["$['structured'][\"count\"]", 3],
  ["$.structured['a b']['it\\'s']", 1],
  ["$.structured.none", null],
  ["$.items[0].id", 1],
  ["$.items[-1].id", 3],
  ["$.items[ 1 ].id", 2],
  ["$.items[*].id", [1, 2, 3]],
  ["$.items[1].tags[*]", []],
  ["$.items[1].tags.*", []],
  ["$..id", [1, 2, 3]],
  ["$..tags[0]", ["x"]],
  ["$.items..[0].id", [1]],
  ["$..['count']", [3]],
])("%s", (path, found) => {
  expect(pathProblem(path)).toBeUndefined();
  expect(readPath(path, value)).toEqual(found);
});

test.each<[string, string]>([
  [
    "$.structured.cuont",
    'there is nothing at $.structured.cuont: $.structured is an object with "count", "a b", "none"',
  ],
  ["$.structured.count.more", "there is nothing at $.structured.count.more: $.structured.count is a number"],
  ["$.structured.none.more", "there is nothing at $.structured.none.more: $.structured.none is nothing"],
  ["$.items[3].id", "there is nothing at $.items[3].id: $.items is a list of 3"],
  ["$.items[-4]", "there is nothing at $.items[-4]: $.items is a list of 3"],
  ["$.items.length", "there is nothing at $.items.length: $.items is a list of 3"],
  ["$..missing", 'there is nothing at $..missing: $ is an object with "structured", "items"'],
  ["$.items[*].name", "there is nothing at $.items[*].name: $.items[*] is 3 values"],
  ["$.structured.count[*]", "there is nothing at $.structured.count[*]: $.structured.count is a number"],
  ["$.constructor", 'there is nothing at $.constructor: $ is an object with "structured", "items"'],
  ["$.toString", 'there is nothing at $.toString: $ is an object with "structured", "items"'],
])("%s leads nowhere, and says how far it leads", (path, message) => {
  expect(() => readPath(path, value)).toThrow(expect.objectContaining({ kind: "not_found", message }));
});

test.each([
  "",
  "items",
  "$items",
  "$.",
  "$..",
  "$.items[",
  "$.items[]",
  "$.items[01]",
  "$.items['a]",
  "$.a b",
  "$.items[?@.id]",
  "$[0:1]",
  "$['\\q']",
])("%j is not a valid path", (path) => {
  expect(pathProblem(path)).toMatch(/is not a path: expected/);
  expect(() => readPath(path, value)).toThrow(expect.objectContaining({ kind: "usage" }));
});

describe("of any JSON", () => {
  const anyNames = fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.nat(5)), { minLength: 1, maxLength: 6 });

  test("what is put at a path is found by it", () => {
    fc.assert(
      fc.property(anyNames, fc.jsonValue(), (names, leaf) => {
        const whole = names.reduceRight<unknown>(
          (inner, name) =>
            typeof name === "number" ? [...Array(name).fill(0), inner] : Object.fromEntries([[name, inner]]),
          leaf,
        );
        const path = `$${names.map((name) => `[${JSON.stringify(name)}]`).join("")}`;
        expect(readPath(path, whole)).toEqual(leaf);
      }),
    );
  });

  test("no text of a path throws anything but what is said of it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("$", ".", "[", "]", "'", '"', "*", "a", "0", "-", "\\", " ") }),
        (path) => {
          const isWrong = pathProblem(path) !== undefined;
          try {
            readPath(path, { a: [0] });
            expect(isWrong).toBe(false);
          } catch (error) {
            expect(error).toMatchObject({ kind: isWrong ? "usage" : "not_found" });
          }
        },
      ),
    );
  });

  test("nesting deeper than the stack", () => {
    const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`);
    expect(readPath("$..b", { deep, b: 2 })).toEqual([2]);
  });
});

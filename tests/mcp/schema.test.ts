import { expect, test } from "@jest/globals";
import { problemIn, readArguments } from "../../src/mcp/shared/tool-arguments.js";

const schema = {
  type: "object",
  properties: { path: { type: "string" }, mode: { enum: ["r", "w"] }, depth: { type: "integer", minimum: 1 } },
  required: ["path"],
  additionalProperties: false,
};

const problem = async (text: string, by: Record<string, unknown> = schema) => {
  const read = await readArguments(text, by);
  return "problem" in read ? read.problem : undefined;
};

/** Resolves when the thread that checks patterns has started and has ended all earlier checks. */
const untilIdle = () => problemIn({ text: "a" }, { properties: { text: { pattern: "^a" } } }, { withinMs: 60_000 });

test("valid arguments come back as the model wrote them", async () => {
  expect(await readArguments('{"path":"a","depth":2}', schema)).toEqual({ value: { path: "a", depth: 2 } });
});

test("empty arguments are a call without arguments", async () => {
  expect(await readArguments("", { type: "object" })).toEqual({ value: {} });
});

test("text that cannot be parsed is reported in the parser's words", async () => {
  expect(await problem('{"path": "a')).toMatch(/^the arguments are not valid JSON: Unterminated string/);
  expect(await problem("[1]")).toBe("the arguments are not a JSON object");
  expect(await problem("null")).toBe("the arguments are not a JSON object");
});

test("a duplicate key is refused: people are shown one of its values, and the other may count", async () => {
  expect(await problem('{"path":"harmless","\\u0070ath":"/etc"}')).toBe('the arguments have the key "path" twice');
});

test("every problem is named in words that a model can act on", async () => {
  expect(await problem('{"mode":"x","depth":"2","extra":1}')).toBe(
    "the arguments must have `path`; the arguments must not have `extra`; " +
      '`mode` must be one of ["r","w"]; `depth` must be integer, got "2"',
  );
  expect(await problem('{"path":"a","depth":0}')).toBe("`depth` must be >= 1");
});

test("many problems are counted, and some of them named", async () => {
  const numbers = { type: "object", properties: { list: { type: "array", items: { type: "number" } } } };
  const list = Array.from({ length: 30 }, () => "x");
  expect(await problem(JSON.stringify({ list }), numbers)).toMatch(/`list.9` must be number, got "x"; and 20 more$/);
});

test("a server's pattern that backtracks for ever does not block the event loop: the server checks the arguments itself", async () => {
  const trap = { type: "object", properties: { text: { type: "string", pattern: "^(a+)+$" }, n: { type: "number" } } };
  const text = JSON.stringify({ text: `${"a".repeat(40)}!` });
  expect(await problemIn({ n: "x" }, trap, { withinMs: 60_000 })).toMatch(/`n` must be number/);
  let turnsOfTheLoop = 0;
  const count = () => {
    turnsOfTheLoop++;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  expect(await problem(text, trap)).toBeUndefined();
  clearImmediate(immediate);
  expect(turnsOfTheLoop).toBeGreaterThan(1);
});

test("the dialect is the one that $schema names, or 2020-12", async () => {
  const tuple = {
    type: "object",
    properties: { pair: { type: "array", prefixItems: [{ type: "number" }], items: false } },
  };
  expect(await problem('{"pair":[1]}', tuple)).toBeUndefined();
  expect(await problem('{"pair":[1,2]}', tuple)).toMatch(/`pair` must NOT have more than 1 items/);
  const old = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: { pair: { type: "array", items: [{ type: "number" }], additionalItems: false } },
  };
  expect(await problem('{"pair":[1]}', old)).toBeUndefined();
  expect(await problem('{"pair":[1,2]}', old)).toMatch(/`pair` must NOT have more than 1 items/);
});

test("2019-09 is a dialect of its own: tuples are arrays of `items`, and recursion is dynamic", async () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2019-09/schema",
    type: "object",
    properties: {
      pair: { type: "array", items: [{ type: "string" }, { type: "number" }], additionalItems: false },
      child: { $recursiveRef: "#" },
    },
    dependentRequired: { pair: ["child"] },
  };
  const check = (value: object) => problemIn(value, schema, { withinMs: 60_000 });
  expect(await check({ pair: ["a", 1], child: {} })).toBeUndefined();
  expect(await check({ pair: ["a", 1, 2], child: {} })).toContain("pair");
  expect(await check({ child: { pair: [1, 1], child: {} } })).toContain("child.pair");
  expect(await check({ pair: ["a", 1] })).toContain("child");
});

test.each([
  ["a remote $ref", { type: "object", properties: { a: { $ref: "https://example.com/x.json" } } }],
  ["a dangling $ref", { type: "object", properties: { a: { $ref: "#/$defs/nothing" } } }],
  ["a broken pattern", { type: "object", properties: { a: { type: "string", pattern: "(" } } }],
  ["draft-04 bounds", { type: "object", properties: { a: { type: "number", minimum: 1, exclusiveMinimum: true } } }],
  ["an asynchronous schema", { $async: true, type: "object", required: ["b"] }],
  ["nonsense", { type: "object", properties: 7 }],
])("a schema with %s checks nothing and does not throw", async (_, broken) => {
  expect(await readArguments('{"a":"1"}', broken)).toEqual({ value: { a: "1" } });
});

test("a $schema that is not a text is ignored", async () => {
  const odd = { $schema: { toString: 1 }, type: "object", required: ["n"] };
  expect(await readArguments("{}", odd)).toEqual({ problem: "the arguments must have `n`" });
});

test("two tools may use the same $id for different schemas", async () => {
  expect(await problem("{}", { $id: "x", type: "object", required: ["a"] })).toMatch(/`a`/);
  expect(await problem("{}", { $id: "x", type: "object", required: ["b"] })).toMatch(/`b`/);
});

test("a recursive schema is checked", async () => {
  const tree = {
    type: "object",
    properties: { node: { $ref: "#/$defs/node" } },
    $defs: { node: { type: "object", properties: { child: { $ref: "#/$defs/node" } }, additionalProperties: false } },
  };
  expect(await problem('{"node":{"child":{"child":{"oops":1}}}}', tree)).toBe(
    "`node.child.child` must not have `oops`",
  );
});

test("null for an optional argument that may not be null means that it is left out", async () => {
  const schema = {
    type: "object",
    properties: { a: { type: "string" }, b: { type: ["string", "null"] } },
    required: ["c"],
  };
  expect(await readArguments('{"a":null,"c":1}', schema)).toEqual({ value: { c: 1 } });
  expect(await readArguments('{"b":null,"c":null}', schema)).toEqual({ value: { b: null, c: null } });
  expect(await readArguments('{"a":null}', schema)).toHaveProperty("problem");
});

test("invalid arguments without a null are checked once: the problem counts, also if a second check would come too late", async () => {
  const text = JSON.stringify({ text: `${"a".repeat(40)}!` });
  const traps = Array.from({ length: 5 }, (_, number) => ({ properties: { text: { pattern: `^(a+)+x${number}$` } } }));
  await untilIdle();
  const asked = problem('{"text":"b"}', { properties: { text: { pattern: "^a" } } });
  const held = traps.map((trap) => problem(text, trap));
  expect(await asked).toMatch(/`text` must match pattern/);
  await Promise.all(held);
});

test("a check that waits for other servers' checks for too long is left to its own server", async () => {
  const text = JSON.stringify({ text: `${"a".repeat(40)}!` });
  const traps = Array.from({ length: 6 }, (_, number) => ({ properties: { text: { pattern: `^(a+)+${number}$` } } }));
  const held = traps.map((trap) => problem(text, trap));
  expect(await problem('{"text":"b"}', { properties: { text: { pattern: "^a" } } })).toBeUndefined();
  await Promise.all(held);
  await untilIdle();
});

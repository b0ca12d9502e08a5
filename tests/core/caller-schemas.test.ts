import { expect, test } from "@jest/globals";
import { checkAnswer, checkSchema } from "../../src/core/schemas/caller-schemas.js";
import { readStructured, schemaProblem } from "../../src/core/schemas/structured-output.js";

const hostile = { type: "string", pattern: "^(a+)+$" };
const endless = JSON.stringify(`${"a".repeat(60)}!`);

test.each<[string, object, string]>([
  ["a quick schema", { type: "object", required: ["a"] }, "{}"],
  ["a pattern", { type: "string", pattern: "^b" }, '"bcd"'],
  ["a pattern that does not match", { type: "string", pattern: "^b" }, '```\n"a"\n```'],
  ["a reference", { $ref: "#/$defs/a", $defs: { a: { type: "string" } } }, "1"],
  ["a reference to nothing", { $ref: "#/$defs/none" }, "1"],
  ["a large schema", { properties: { a: { enum: Array.from({ length: 5_000 }, (_, n) => n) } } }, '{"a":5001}'],
  ["text that is no JSON", hostile, "aaa"],
])("a check in the thread has the same result as a direct one: %s", async (_, schema, text) => {
  expect(await checkSchema({ ...schema })).toBe(schemaProblem({ ...schema }));
  expect(await checkAnswer(text, { ...schema })).toEqual(readStructured(text, { ...schema }));
});

test("a pattern that backtracks for ever does not stop the event loop", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  const problem = "checking the value by the schema took longer than 500 ms";
  expect(await checkAnswer(endless, { ...hostile })).toEqual({ problem });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(0);
});

test("a schema whose check took too long is not used again, also by another call; other schemas still are", async () => {
  const text = JSON.stringify("aaa");
  const before = checkAnswer(endless, { ...hostile, title: "again" });
  const after = checkAnswer(text, { ...hostile, title: "again" });
  const other = checkAnswer(text, { ...hostile, title: "another" });
  expect([await before, await after]).toEqual([await before, await before]);
  expect(await other).toEqual({ value: "aaa" });
});

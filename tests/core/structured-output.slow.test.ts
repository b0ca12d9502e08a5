import { expect, test } from "@jest/globals";
import { problemBySchema, readStructured, schemaProblem } from "../../src/core/schemas/structured-output.js";
import { costMs } from "../support/processor-time.js";

test("a schema with very many parts is refused after a while, once", () => {
  const hostile = {
    anyOf: Array.from({ length: 50_000 }, (_, index) => ({ type: "object", required: [`p${index}`] })),
  };
  const problem = "the schema is too large: compiling it took longer than 2000 ms";
  expect(schemaProblem(hostile)).toBe(problem);
  expect(costMs(() => expect(() => problemBySchema({}, hostile)).toThrow(problem))).toBeLessThan(400);
});

test("a pattern that backtracks for ever ends the check but not the host, once", () => {
  const text = JSON.stringify(`${"a".repeat(60)}!`);
  const problem = "checking the value by the schema took longer than 500 ms";
  const known = ["^(a+)+$", "^(a|a)+$", "^(a+a*)+$"].map((pattern) => {
    const hostile = { type: "string", pattern };
    expect(readStructured(text, hostile)).toEqual({ problem });
    return hostile;
  });
  const again = () => {
    // the second check of each schema; a third one would prove nothing
    const hostile = known.pop() as (typeof known)[number];
    expect(readStructured(text, hostile)).toEqual({ problem });
    expect(() => problemBySchema("a", hostile)).toThrow(problem);
  };
  expect(costMs(again)).toBeLessThan(400);
});

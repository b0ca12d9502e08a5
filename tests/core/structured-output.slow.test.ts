import { expect, test } from "@jest/globals";
import { problemBySchema, schemaProblem } from "../../src/core/structured-output.js";
import { costMs } from "../support/processor-time.js";

test("a schema of very many parts is refused after a while, once", () => {
  const hostile = {
    anyOf: Array.from({ length: 50_000 }, (_, index) => ({ type: "object", required: [`p${index}`] })),
  };
  const problem = "the schema is too large: a check by it was not ready within 2000 ms";
  expect(schemaProblem(hostile)).toBe(problem);
  expect(costMs(() => expect(() => problemBySchema({}, hostile)).toThrow(problem))).toBeLessThan(400);
});

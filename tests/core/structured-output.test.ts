import { expect, test } from "@jest/globals";
import { problemBySchema, readStructured, schemaProblem } from "../../src/core/schemas/structured-output.js";

const schema = {
  type: "object",
  required: ["title"],
  additionalProperties: false,
  properties: { title: { type: "string" }, state: { enum: ["open", "closed"] }, tags: { items: { minLength: 2 } } },
};

test.each([
  '{"title":"x"}',
  ' \n{"title":"x"}\n',
  '```json\n{"title":"x"}\n```',
  'Here it is:\n\n```\n{"title":\n"x"}\n```\nAnything else?',
])("%j is read as JSON", (text) => {
  expect(readStructured(text, schema)).toEqual({ value: { title: "x" } });
});

test.each<[string, string]>([
  ["", "expected JSON, got no text"],
  ['The answer is {"title":"x"}', "expected JSON, got text"],
  ["```json\n{title}\n```", "expected JSON in the fenced block, got text"],
  ["```\n1\n```\n```\n2\n```", "expected JSON, got text with 2 fenced blocks"],
  ["{}", '$ must have "title"'],
  ["[]", "$ must be object"],
  ['{"title":"x","more":1}', '$ must not have "more"'],
  ['{"title":"x","state":"new"}', '$.state must be one of ["open","closed"]'],
  ['{"title":1,"tags":["a"]}', "$.title must be string; $.tags.0 must NOT have fewer than 2 characters"],
])("%j is not accepted: %s", (text, problem) => {
  expect(readStructured(text, schema)).toEqual({ problem });
});

test("without a schema any JSON is accepted", () => {
  expect(readStructured("[1]")).toEqual({ value: [1] });
});

test.each<[object, RegExp]>([
  [{ type: "strng" }, /the schema cannot be used: schema is invalid/],
  [{ $ref: "https://example.com/x.json" }, /can't resolve reference/],
  [{ $ref: "#/$defs/none" }, /can't resolve reference/],
  [{ $async: true, type: "object" }, /\$async/],
  [{ $schema: "https://example.com/own" }, /no schema with key or ref/],
])("a schema that cannot be used is refused: %j", (wrong, problem) => {
  expect(schemaProblem({ ...wrong })).toMatch(problem);
  expect(readStructured("{}", { ...wrong })).toEqual({ problem: expect.stringMatching(problem) });
});

test("each dialect of JSON Schema is checked by its own keywords", () => {
  const tuple = { type: "array", prefixItems: [{ type: "string" }] };
  expect(problemBySchema([1], tuple)).toBe("$.0 must be string");
  expect(
    problemBySchema([1], { $schema: "http://json-schema.org/draft-07/schema#", items: [{ type: "string" }] }),
  ).toBe("$.0 must be string");
  const dependent = { $schema: "https://json-schema.org/draft/2019-09/schema", dependentRequired: { a: ["b"] } };
  expect(problemBySchema({ a: 1 }, dependent)).toMatch(/must have property b/);
});

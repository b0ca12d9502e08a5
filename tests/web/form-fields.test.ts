import { expect, test } from "@jest/globals";
import { formContent, formFields } from "../../src/web/chat/form-fields.js";

const titled = [
  { const: "s", title: "Small" },
  { const: "l", title: "Large" },
];

/** Returns the titles of the choices of this field, and what the form sends if these texts are chosen. */
function chosen(field: object, ...texts: string[]) {
  const fields = formFields({ type: "object", properties: { size: field } });
  const data = new FormData();
  for (const text of texts) data.append("size", text);
  const [size] = fields;
  const choices = size && "choices" in size ? size.choices : [];
  return { titles: choices.map(({ title }) => title), sent: formContent(fields, data).size };
}

test.each([
  ["enum", { type: "string", enum: ["s", "l"] }, ["l"], "l", ["s", "l"]],
  ["enum and enumNames", { enum: ["s", "l"], enumNames: ["Small", "Large"] }, ["l"], "l", ["Small", "Large"]],
  ["oneOf", { type: "string", oneOf: titled }, ["s"], "s", ["Small", "Large"]],
  ["an enum of numbers", { type: "integer", enum: [1, 2] }, ["2"], 2, ["1", "2"]],
  ["a list of anyOf", { type: "array", items: { anyOf: titled } }, ["l"], ["l"], ["Small", "Large"]],
  ["a list of numbers", { type: "array", items: { enum: [1, 2] } }, ["1", "2"], [1, 2], ["1", "2"]],
])("a field with %s has its choices, and sends them as the schema has them", (_, field, texts, sent, titles) => {
  expect(chosen(field, ...texts)).toEqual({ titles, sent });
});

test("a field whose alternatives are types has no choices", () => {
  expect(chosen({ type: "string", anyOf: [{ type: "string" }, { type: "null" }] }, "x")).toEqual({
    titles: [],
    sent: "x",
  });
});

test.each([
  ["an object", { type: "object" }, '{"a":1}', { a: 1 }],
  ["a list without choices", { type: "array", items: { type: "string" } }, '["x"]', ["x"]],
  ["a value that a definition describes", { $ref: "#/$defs/Filter" }, "[1]", [1]],
  ["nothing, if it is left empty", { type: "object" }, "", undefined],
])("a field is written as JSON for %s", (_, field, written, sent) => {
  expect(chosen(field, written).sent).toEqual(sent);
});

test.each([
  ["a number that may be null", { anyOf: [{ type: "integer" }, { type: "null" }], default: null }, "3", 3],
  ["a number whose types are a list", { type: ["number", "null"] }, "2.5", 2.5],
])("a field for %s is a field for a number", (_, field, written, sent) => {
  expect(chosen(field, written).sent).toBe(sent);
});

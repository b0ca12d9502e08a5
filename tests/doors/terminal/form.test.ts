import { expect, test } from "@jest/globals";
import { askForm } from "../../../src/doors/terminal/form.js";

const server = "shop";

/** Fills in the form with these lines. Resolves with the answer and with what was shown before each line. */
async function filled(properties: object, ...lines: string[]) {
  const shown: string[] = [];
  const editor = {
    async ask(text: string) {
      shown.push(text);
      return lines.shift();
    },
  };
  const form = { type: "object", properties } as const;
  const answer = await askForm(editor, { server, message: "Which?", form }, new AbortController().signal);
  return { answer, shown };
}

const titled = [
  { const: "s", title: "Small" },
  { const: "l", title: "Large" },
];

test.each([
  ["enum", { type: "string", enum: ["s", "l"] }, "l", "l", "[s | l]"],
  [
    "enum and enumNames",
    { type: "string", enum: ["s", "l"], enumNames: ["Small", "Large"] },
    "l",
    "l",
    "[s (Small) | l (Large)]",
  ],
  ["oneOf", { type: "string", oneOf: titled }, "s", "s", "[s (Small) | l (Large)]"],
  ["a list of enum", { type: "array", items: { type: "string", enum: ["s", "l"] } }, "s, l", ["s", "l"], "[s | l]"],
  ["a list of anyOf", { type: "array", items: { anyOf: titled } }, "l", ["l"], "[s (Small) | l (Large)]"],
])("the line shows the choices of a field with %s, and accepts only these", async (_, size, line, value, offered) => {
  const { answer, shown } = await filled({ size }, "huge", line);
  expect(shown[0]).toContain(offered);
  expect(shown[1]).toContain('"huge" is not one of: s, l');
  expect(answer).toEqual({ action: "accept", content: { size: value } });
});

test("a choice is sent as the value that the schema has", async () => {
  const { answer } = await filled(
    { size: { enum: [1, 2] }, many: { type: "array", items: { enum: [1, 2] } } },
    "2",
    "2, 1",
  );
  expect(answer).toEqual({ action: "accept", content: { size: 2, many: [2, 1] } });
});

test("a form with an unusable schema is still asked for", async () => {
  const { answer } = await filled({ a: null, b: { enum: "x" }, c: { type: "array", items: true } }, "1", "x", "2");
  expect(answer).toEqual({ action: "accept", content: { a: "1", b: "x", c: ["2"] } });
});

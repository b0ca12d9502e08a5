import { describe, expect, test } from "@jest/globals";
import { load } from "js-yaml";
import { rewritten } from "../../../src/scripted/many/updates/rewrite.js";

/** Returns the text with another value for the only assertion in this line. */
function edit(text: string, line: number, value: unknown) {
  return rewritten(text, [{ line, index: 0, of: 1, value }]);
}

const commented = `#!/usr/bin/env -S mcp-platform run
# Greets.
steps:
    # the first one
  - user:   hi          # odd spaces stay
    assert:
      - type: equals    # exactly
        value: 'hello'  # as of May
      - { type: contains, value: hell }
`.replace("    # the", "  # the");

describe("a new value", () => {
  test("changes the value and nothing else: comments, quotes and spaces stay", () => {
    const { text, edited } = edit(commented, 7, "it's me");
    expect(text).toBe(commented.replace("'hello'", "'it''s me'"));
    expect(edited).toEqual([{ before: "'hello'", after: "'it''s me'" }]);
  });

  test.each([
    ["plain", "value: old # note", "new one", "value: new one # note"],
    ["plain that would be a number", "value: old # note", "42", 'value: "42" # note'],
    ["plain that would be a mapping", "value: old", "a: b", 'value: "a: b"'],
    ["plain that would be a comment", "value: old", "a #b", 'value: "a #b"'],
    ["a number", "value: 42", "43", "value: 43"],
    ["a number that becomes text", "value: 42", "none", "value: none"],
    ["double quotes", 'value: "old"', 'new\n"one"', 'value: "new\\n\\"one\\""'],
    ["single quotes of several lines", "value: 'old'", "a\nb", 'value: "a\\nb"'],
    ["empty text", "value: old", "", 'value: ""'],
    ["a flow mapping", "value: {a: 1, b: [x, y]} # n", { a: 2, b: ["x", "z"] }, "value: {a: 2, b: [x, z]} # n"],
    ["other keys", "value: {a: 1}", { b: 1 }, 'value: {"b":1}'],
  ])("in %s", (_, line, value, expected) => {
    const script = (written: string) => `steps:\n  - user: hi\n    assert:\n      - type: equals\n        ${written}\n`;
    const { text } = edit(script(line), 4, value);
    expect(text).toBe(script(expected));
  });

  test("in a literal block keeps the block, in a block mapping its comments", () => {
    const block =
      "steps:\n  - user: hi\n    assert:\n      - type: equals\n        value: |-\n          a\n\n          b\n    name: x\n";
    expect(edit(block, 4, "c\n\nd\ne").text).toBe(block.replace("a\n\n          b", "c\n\n          d\n          e"));
    expect(load(edit(block, 4, " c").text)).toMatchObject({ steps: [{ assert: [{ value: " c" }], name: "x" }] });
    const mapping =
      "steps:\n  - user: hi\n    assert:\n      - type: equals\n        value:\n          a: 1 # one\n          b: 2\n    name: x\n";
    expect(edit(mapping, 4, { a: 1, b: 3 }).text).toBe(mapping.replace("b: 2", "b: 3"));
    expect(load(edit(mapping, 4, { a: [] }).text)).toMatchObject({
      steps: [{ assert: [{ value: { a: [] } }], name: "x" }],
    });
  });

  test("of several in one line and in one file, each goes to its place", () => {
    const script =
      "steps:\n  - { user: a, assert: [{ type: equals, value: a }, { type: equals, value: b }] }\n  - user: b\n    assert: [{ value: c, type: equals }]\n";
    const { text } = rewritten(script, [
      { line: 2, index: 1, of: 2, value: "longer than b" },
      { line: 4, index: 0, of: 1, value: "C" },
      { line: 2, index: 0, of: 2, value: "A" },
    ]);
    expect(text).toBe(
      "steps:\n  - { user: a, assert: [{ type: equals, value: A }, { type: equals, value: longer than b }] }\n  - user: b\n    assert: [{ value: C, type: equals }]\n",
    );
  });

  test("keeps the line ends of Windows, a byte order mark and JSON as they are", () => {
    const windows = "\ufeffsteps:\r\n  - user: hi\r\n    assert:\r\n      - type: equals\r\n        value: old\r\n";
    expect(edit(windows, 4, "new").text).toBe(windows.replace("old", "new"));
    const json = '{"steps": [{"user": "hi", "assert": [{"type": "equals", "value": "old"}]}]}';
    expect(edit(json, 1, "new").text).toBe(json.replace("old", "new"));
  });

  test("is refused where it would change more, or where it is not clear which assertion is meant", () => {
    const shared =
      "steps:\n  - user: a\n    assert:\n      - type: equals\n        value: &v {k: old}\n  - user: b\n    assert: [{ type: equals, value: *v }]\n";
    expect(edit(shared, 4, { k: "new" })).toEqual({
      text: shared,
      edited: [{ problem: expect.stringContaining("alias") }],
    });
    expect(edit(shared, 7, { k: "new" }).text).toContain("&v {k: old}");
    const both =
      "steps: [{ user: a, assert: [{ type: equals, value: x }] }, { user: a, assert: [{ type: equals, value: x }] }]\n";
    expect(edit(both, 1, "y")).toEqual({ text: both, edited: [{ problem: expect.stringContaining("this line") }] });
  });
});

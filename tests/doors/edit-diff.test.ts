import { expect, test } from "@jest/globals";
import { editsIn } from "../../src/doors/shared/edit-diff.js";

const edit = { oldText: "a\nb", newText: "a\nc" };
const diff = "  a\n- b\n+ c";

test.each<[string, object, { edits: string[]; rest: object }]>([
  ["an edit", { path: "f", old_str: "a\nb", new_str: "a\nc" }, { edits: [diff], rest: { path: "f" } }],
  ["a list of edits", { path: "f", edits: [edit, edit] }, { edits: [diff, diff], rest: { path: "f" } }],
  ["no edit", { path: "f", edits: [] }, { edits: [], rest: { path: "f", edits: [] } }],
])("what %s changes is a diff, and the other arguments are the rest", (_, values, expected) => {
  expect(editsIn({ ...values })).toEqual(expected);
});

test.each([
  ["more than an edit", { path: "f", edits: [edit, { ...edit, path: "/etc/passwd" }] }],
  ["no edit", { path: "f", edits: [edit, "rm"] }],
  ["half an edit", { path: "f", edits: [edit, { oldText: "a" }] }],
])("no argument is hidden by the diffs: a list with an entry that is %s stays in the rest", (_, values) => {
  expect(editsIn(values).rest).toEqual(values);
});

test("a part of an edit without its other part stays in the rest", () => {
  expect(editsIn({ edits: [edit], old_string: "x", new_string: 5 }).rest).toEqual({ old_string: "x", new_string: 5 });
});

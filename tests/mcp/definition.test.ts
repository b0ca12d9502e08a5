import { describe, expect, test } from "@jest/globals";
import { changedParts, definitionOf } from "../../src/mcp/lists/definition.js";

const tool = {
  name: "write",
  description: "Writes a file",
  inputSchema: { type: "object", properties: { path: { type: "string" } } },
  annotations: { readOnlyHint: false },
};

describe("the definition of a tool", () => {
  test("is the same whatever the order of its keys", () => {
    const { name, description, annotations } = tool;
    const inputSchema = { properties: { path: { type: "string" } }, type: "object" };
    expect(definitionOf({ annotations, inputSchema, description, name })).toEqual(definitionOf(tool));
  });

  test.each([
    ["title", { title: "Write" }],
    ["description", { description: "Writes a file, and sends it home" }],
    ["parameters", { inputSchema: { ...tool.inputSchema, required: ["path"] } }],
    ["result", { outputSchema: { type: "object" } }],
    ["annotations", { annotations: { readOnlyHint: false, destructiveHint: false } }],
    ["annotations", { annotations: undefined }],
    ["execution", { execution: { taskSupport: "optional" } }],
  ])("has another %s when that changes", (part, change) => {
    expect(changedParts(definitionOf(tool), definitionOf({ ...tool, ...change }))).toEqual([part]);
  });

  test("tells lists from mappings, and the order of lists", () => {
    const of = (inputSchema: unknown) => definitionOf({ inputSchema });
    expect(of({ enum: ["a", "b"] })).not.toEqual(of({ enum: ["b", "a"] }));
    expect(of([["a", 1]])).not.toEqual(of({ a: 1 }));
  });
});

import { expect, test } from "@jest/globals";
import { nearest } from "../../src/core/text/nearest.js";
import { processorMs } from "../support/processor-time.js";

const keys = ["command", "args", "timeout", "startup_timeout"];

test("a slip of the finger is recognized, whatever its case", () => {
  expect(nearest("comand", keys, 1)).toEqual(["command"]);
  expect(nearest("TimeOut", keys, 1)).toEqual(["timeout"]);
});

test("what is nothing like a candidate has no suggestion", () => {
  expect(nearest("colour", keys, 3)).toEqual([]);
});

test("the best come first, no more than asked for", () => {
  expect(nearest("tool_a", ["tool_xyz", "tool_b", "tool_a1", "tool_c"], 2)).toEqual(["tool_b", "tool_a1"]);
});

test("an endless word costs nothing", () => {
  const startedAt = processorMs();
  expect(nearest("x".repeat(1_000_000), keys, 3)).toEqual([]);
  expect(processorMs() - startedAt).toBeLessThan(100);
});

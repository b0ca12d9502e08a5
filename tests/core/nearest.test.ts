import { expect, test } from "@jest/globals";
import { nearest } from "../../src/core/text/nearest.js";
import { processorMs } from "../support/processor-time.js";

const keys = ["command", "args", "timeout", "startup_timeout"];

test("a typing error is recognised, whatever its case", () => {
  expect(nearest("comand", keys, 1)).toEqual(["command"]);
  expect(nearest("TimeOut", keys, 1)).toEqual(["timeout"]);
});

test("a word unlike every candidate has no suggestion", () => {
  expect(nearest("colour", keys, 3)).toEqual([]);
});

test("the best suggestions come first, at most as many as requested", () => {
  expect(nearest("tool_a", ["tool_xyz", "tool_b", "tool_a1", "tool_c"], 2)).toEqual(["tool_b", "tool_a1"]);
});

test("a very long word costs nothing", () => {
  const startedAt = processorMs();
  expect(nearest("x".repeat(1_000_000), keys, 3)).toEqual([]);
  expect(processorMs() - startedAt).toBeLessThan(100);
});

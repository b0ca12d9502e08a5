import { expect, test } from "@jest/globals";
import { traceparentOf } from "../../src/core/trace-context.js";

const form = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;

test("a turn's trace is found by its id, and a call has the same span every time", () => {
  const turnId = "turn_0af7651916cd43dd8448eb211c80319c";
  const traceparent = traceparentOf(turnId, `${turnId}/0/call_1`);
  expect(traceparent).toMatch(form);
  expect(traceparent.slice(3, 35)).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(traceparentOf(turnId, `${turnId}/0/call_1`)).toBe(traceparent);
  expect(traceparentOf(turnId, `${turnId}/1/call_1`)).not.toBe(traceparent);
});

test("an id of another form has a trace too, and never the one that is not valid", () => {
  expect(traceparentOf("turn_1", "turn_1/0/a")).toMatch(form);
  expect(traceparentOf("turn_1", "a").slice(3, 35)).not.toBe(traceparentOf("turn_2", "a").slice(3, 35));
  expect(traceparentOf(`turn_${"0".repeat(32)}`, "a")).not.toContain("0".repeat(32));
});

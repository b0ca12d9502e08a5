import { describe, expect, test } from "@jest/globals";
import { carriedTrace, carry, childOf, traceOf } from "../../src/core/trace-context.js";

const turnId = "turn_0af7651916cd43dd8448eb211c80319c";
const callId = `${turnId}/0/call_1`;
const caller = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", tracestate: "vendor=a" };

test("a turn's trace follows from its id, and a call has the same span every time", () => {
  const turn = traceOf(turnId);
  expect(turn.traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(childOf(turn, callId)).toEqual(childOf(traceOf(turnId), callId));
  expect(childOf(turn, callId)).toMatchObject({ traceId: turn.traceId, parentId: turn.spanId });
  expect(childOf(turn, `${turnId}/1/call_1`).spanId).not.toBe(childOf(turn, callId).spanId);
  expect(carry(childOf(turn, callId)).traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
});

test("an id of another form has a valid trace too", () => {
  expect(traceOf("turn_1").traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(traceOf("turn_1").traceId).not.toBe(traceOf("turn_2").traceId);
  expect(traceOf(`turn_${"0".repeat(32)}`).traceId).not.toBe("0".repeat(32));
});

test("a turn that another process continues has another span in the same trace", () => {
  const [first, second] = [traceOf(turnId, { run: 1 }), traceOf(turnId, { run: 2 })];
  expect(second.traceId).toBe(first.traceId);
  expect(second.spanId).not.toBe(first.spanId);
});

describe("the trace of a caller", () => {
  test("is continued, with its state and its sampling decision", () => {
    const turn = traceOf(turnId, { carried: caller });
    expect(turn).toMatchObject({
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      parentId: "00f067aa0ba902b7",
      isSampled: true,
      state: "vendor=a",
    });
    expect(carry(childOf(turn, callId)).tracestate).toBe("vendor=a");
    const unsampled = { traceparent: caller.traceparent.replace(/01$/, "00") };
    expect(carry(traceOf(turnId, { carried: unsampled })).traceparent).toMatch(/-00$/);
  });

  test("is overruled by an own sampling decision", () => {
    const asked: unknown[] = [];
    const samples = (...question: unknown[]) => asked.push(question) === 0;
    expect(traceOf(turnId, { carried: caller, samples }).isSampled).toBe(false);
    expect(asked).toEqual([["4bf92f3577b34da6a3ce929d0e0e4736", true]]);
  });

  test.each([
    undefined,
    7,
    "",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
    `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`,
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    `${caller.traceparent}-more`,
  ])("is ignored if it is invalid: %s", (traceparent) => {
    expect(carriedTrace(traceparent, "vendor=a")).toBeUndefined();
  });

  test("may be of a later version; an invalid state is ignored", () => {
    const later = `${caller.traceparent.replace(/^00/, "01")}-more`;
    expect(carriedTrace(later, "line\nbreak")).toEqual({ traceparent: later });
    expect(traceOf(turnId, { carried: { traceparent: later } }).parentId).toBe("00f067aa0ba902b7");
  });
});

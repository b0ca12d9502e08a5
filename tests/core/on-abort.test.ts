import { getEventListeners } from "node:events";
import { expect, test } from "@jest/globals";
import { onAbort } from "../../src/core/async/abort.js";

test("all listeners of a signal are called in order", () => {
  const turn = new AbortController();
  const told: string[] = [];
  onAbort(turn.signal, () => told.push(`first, ${turn.signal.reason}`));
  onAbort(turn.signal, () => told.push("second"));
  turn.abort("cancelled");
  expect(told).toEqual(["first, cancelled", "second"]);
});

test("a removed listener is not called, and leaves nothing behind", () => {
  const turn = new AbortController();
  const told: string[] = [];
  const leave = onAbort(turn.signal, () => told.push("left"));
  const stay = onAbort(turn.signal, () => told.push("stayed"));
  leave();
  leave();
  expect(getEventListeners(turn.signal, "abort")).toHaveLength(1);
  stay();
  expect(getEventListeners(turn.signal, "abort")).toHaveLength(0);
  onAbort(turn.signal, () => told.push("came again"));
  turn.abort();
  expect(told).toEqual(["came again"]);
});

test("a listener may remove later listeners", () => {
  const turn = new AbortController();
  const told: string[] = [];
  onAbort(turn.signal, () => {
    told.push("first");
    leave();
  });
  const leave = onAbort(turn.signal, () => told.push("second"));
  turn.abort();
  expect(told).toEqual(["first"]);
});

import { getEventListeners } from "node:events";
import { expect, test } from "@jest/globals";
import { onAbort } from "../../src/core/async/abort.js";

test("all who wait for a signal are told in their order", () => {
  const turn = new AbortController();
  const told: string[] = [];
  onAbort(turn.signal, () => told.push(`first, ${turn.signal.reason}`));
  onAbort(turn.signal, () => told.push("second"));
  turn.abort("cancelled");
  expect(told).toEqual(["first, cancelled", "second"]);
});

test("who no longer waits is not told, and leaves no listener", () => {
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

test("an action may end the wait of those after it", () => {
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

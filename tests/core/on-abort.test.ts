import { getEventListeners } from "node:events";
import { expect, test } from "@jest/globals";
import { onAbort } from "../../src/core/on-abort.js";

test("all who wait for a signal are told in their order, by one listener of it", () => {
  const turn = new AbortController();
  const told: string[] = [];
  onAbort(turn.signal, () => told.push(`first, ${turn.signal.reason}`));
  onAbort(turn.signal, () => told.push("second"));
  expect(getEventListeners(turn.signal, "abort")).toHaveLength(1);
  turn.abort("cancelled");
  expect(told).toEqual(["first, cancelled", "second"]);
});

test("who no longer waits is not told, and the last one to leave takes the listener along", () => {
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

test("what one of them throws keeps no other from being told", async () => {
  const turn = new AbortController();
  const told: string[] = [];
  onAbort(turn.signal, () => {
    throw new Error("its own trouble");
  });
  onAbort(turn.signal, () => told.push("second"));
  const { nextTick } = process;
  const later: (() => void)[] = [];
  process.nextTick = (action: () => void) => later.push(action);
  try {
    turn.abort();
  } finally {
    process.nextTick = nextTick;
  }
  expect(told).toEqual(["second"]);
  expect(later).toHaveLength(1);
  expect(later[0]).toThrow("its own trouble");
});

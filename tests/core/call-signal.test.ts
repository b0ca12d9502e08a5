import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { CallSignal, TotalTimeout } from "../../src/core/async/call-signal.js";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("aborts once with the signal that it follows, for all who listen and for Node's own", () => {
  const caller = new AbortController();
  const signal = new CallSignal(new CallSignal(caller.signal));
  const { native } = signal;
  let heard = 0;
  const listener = () => heard++;
  const left = jest.fn();
  signal.addEventListener("abort", listener);
  signal.addEventListener("abort", left);
  signal.removeEventListener("abort", left);
  caller.abort("no more");
  signal.abort("once more");
  expect([heard, signal.aborted, signal.reason, native.aborted, native.reason]).toEqual([
    1,
    true,
    "no more",
    true,
    "no more",
  ]);
  expect(left).not.toHaveBeenCalled();
});

test("aborts when its time is up, and not after it was released", () => {
  const [late, answered] = [new CallSignal(undefined, 1000), new CallSignal(undefined, 1000)];
  answered[Symbol.dispose]();
  jest.advanceTimersByTime(1000);
  expect([late.aborted, answered.aborted]).toEqual([true, false]);
  expect(late.reason).toBeInstanceOf(TotalTimeout);
  expect(late.native.reason).toBe(late.reason);
  expect(jest.getTimerCount()).toBe(0);
});

test("a caller that had given up before is followed at once, and leaves no timer", () => {
  const signal = new CallSignal(AbortSignal.abort("before"), 1000);
  expect([signal.aborted, signal.reason, jest.getTimerCount()]).toEqual([true, "before", 0]);
});

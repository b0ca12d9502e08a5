import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { LinkedAbort, TotalTimeout } from "../../src/core/async/abort.js";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("a linked signal aborts once with the signal that it follows", () => {
  const caller = new AbortController();
  const follower = new LinkedAbort(new LinkedAbort(caller.signal, 1000).signal, 1000);
  caller.abort("no more");
  follower.abort("once more");
  expect([follower.signal.aborted, follower.signal.reason, jest.getTimerCount()]).toEqual([true, "no more", 0]);
});

test("a timeout signal aborts when its time is up, and not after it was disposed of", () => {
  const caller = new AbortController();
  const [late, answered] = [new LinkedAbort(caller.signal, 1000), new LinkedAbort(caller.signal, 1000)];
  answered[Symbol.dispose]();
  jest.advanceTimersByTime(1000);
  caller.abort();
  expect([late.signal.aborted, answered.signal.aborted]).toEqual([true, false]);
  expect(late.signal.reason).toBeInstanceOf(TotalTimeout);
  expect(jest.getTimerCount()).toBe(0);
});

test("a linked signal aborts at once if its source has aborted before, and leaves no timer", () => {
  const { signal } = new LinkedAbort(AbortSignal.abort("before"), 1000);
  expect([signal.aborted, signal.reason, jest.getTimerCount()]).toEqual([true, "before", 0]);
});

import { once } from "node:events";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { RunningLimits } from "../../src/mcp/protocol/request-limits.js";

beforeAll(() => void jest.useFakeTimers());
afterAll(() => void jest.useRealTimers());
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** Records when one of these limits is reached, in ms from now, and why. `reached` is undefined until then. */
function watched(limits: RunningLimits): { reached?: { ms: number; why: string } } {
  const startedAt = performance.now();
  const seen: { reached?: { ms: number; why: string } } = {};
  limits.onAbort((reason) => {
    seen.reached = { ms: Math.round(performance.now() - startedAt), why: String(reason) };
    limits.end();
  });
  return seen;
}

const silence = "no answer and no progress within";

test("of several limits that run each is reached at its own time, whichever began first", async () => {
  const long = watched(new RunningLimits({ timeoutMs: 300 }));
  const short = watched(new RunningLimits({ timeoutMs: 100 }));
  new RunningLimits({ timeoutMs: 150 }).end();
  await pass(400);
  expect([short.reached, long.reached]).toEqual([
    { ms: 100, why: expect.stringContaining(`${silence} 0.1 s`) },
    { ms: 300, why: expect.stringContaining(`${silence} 0.3 s`) },
  ]);
});

test("progress begins the silence anew, but not the whole", async () => {
  const limits = new RunningLimits({ timeoutMs: 300, maxTotalTimeoutMs: 1_000 });
  const seen = watched(limits);
  const ticking = setInterval(() => limits.progress({ progress: 1 }), 200);
  await pass(2_000);
  clearInterval(ticking);
  expect(seen.reached).toEqual({ ms: 1_000, why: expect.stringContaining("not finished within 1 s") });
});

test("of progress that comes too fast only a part is passed on, and all of it counts against the silence", async () => {
  const heard: number[] = [];
  const limits = new RunningLimits({ timeoutMs: 300, onProgress: ({ progress }) => heard.push(progress) });
  for (let progress = 0; progress < 10_000; progress++) limits.progress({ progress });
  expect(heard).toEqual(Array.from({ length: 500 }, (_, index) => index));
  for (let tenths = 0; tenths < 100; tenths++) {
    await pass(100);
    limits.progress({ progress: 10_000 + tenths });
  }
  expect(limits.aborted).toBe(false);
  expect(heard.slice(500)).toEqual([9, 19, 29, 39, 49, 59, 69, 79, 89, 99].map((tenths) => 10_000 + tenths));
  limits.end();
});

test("of a long message of progress the beginning is passed on", () => {
  const heard: (string | undefined)[] = [];
  const limits = new RunningLimits({ onProgress: ({ message }) => heard.push(message) });
  for (const message of ["x".repeat(1_000), "x".repeat(5_000_000)]) limits.progress({ progress: 1, total: 2, message });
  limits.progress({ progress: 2 });
  expect(heard).toEqual(["x".repeat(1_000), `${"x".repeat(1_000)}…`, undefined]);
  limits.end();
});

test("a pause is no silence, and after the last of several it begins anew", async () => {
  const limits = new RunningLimits({ timeoutMs: 100 });
  const seen = watched(limits);
  const goOn = [limits.pause(), limits.pause()];
  await pass(200);
  goOn[0]?.();
  await pass(200);
  expect(limits.aborted).toBe(false);
  goOn[1]?.();
  await pass(200);
  expect(seen.reached?.ms).toBe(500);
});

test("an AbortSignal that is asked for late has aborted too", async () => {
  const stop = new AbortController();
  const limits = new RunningLimits({ signal: stop.signal });
  const early = once(limits.signal, "abort");
  const other = new RunningLimits({ signal: stop.signal });
  stop.abort("enough");
  await early;
  expect([limits.signal.reason, other.signal.reason, other.signal.aborted]).toEqual(["enough", "enough", true]);
  limits.end();
  other.end();
  expect(() => new RunningLimits({ signal: stop.signal })).toThrow("enough");
});

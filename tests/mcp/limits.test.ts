import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { onAbort } from "../../src/core/async/abort.js";
import { RequestLimits } from "../../src/mcp/protocol/request-limits.js";

beforeAll(() => void jest.useFakeTimers());
afterAll(() => void jest.useRealTimers());
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** Records when one of these limits is reached, in ms from now, and why. `reached` is undefined until then. */
function watched(limits: RequestLimits): { reached?: { ms: number; why: string } } {
  const startedAt = performance.now();
  const seen: { reached?: { ms: number; why: string } } = {};
  onAbort(limits.signal, () => {
    seen.reached = { ms: Math.round(performance.now() - startedAt), why: String(limits.signal.reason) };
    limits.end();
  });
  return seen;
}

const silence = "no answer and no progress within";

test("of several limits each is reached at its own time, whichever began first", async () => {
  const long = watched(new RequestLimits({ timeoutMs: 300 }));
  const short = watched(new RequestLimits({ timeoutMs: 100 }));
  new RequestLimits({ timeoutMs: 150 }).end();
  await pass(400);
  expect([short.reached, long.reached]).toEqual([
    { ms: 100, why: expect.stringContaining(`${silence} 100 ms`) },
    { ms: 300, why: expect.stringContaining(`${silence} 300 ms`) },
  ]);
});

test("progress restarts the limit on silence, but not the whole limit", async () => {
  const limits = new RequestLimits({ timeoutMs: 300, maxTotalTimeoutMs: 1_000 });
  const seen = watched(limits);
  const ticking = setInterval(() => limits.progress({ progress: 1 }), 200);
  await pass(2_000);
  clearInterval(ticking);
  expect(seen.reached).toEqual({ ms: 1_000, why: expect.stringContaining("not finished within 1 s") });
});

test("only a part of fast progress is passed on, and all of it counts against the silence", async () => {
  const heard: number[] = [];
  const limits = new RequestLimits({ timeoutMs: 300, onProgress: ({ progress }) => heard.push(progress) });
  for (let progress = 0; progress < 10_000; progress++) limits.progress({ progress });
  expect(heard).toEqual(Array.from({ length: 500 }, (_, index) => index));
  for (let tenths = 0; tenths < 100; tenths++) {
    await pass(100);
    limits.progress({ progress: 10_000 + tenths });
  }
  expect(limits.signal.aborted).toBe(false);
  expect(heard.slice(500)).toEqual([9, 19, 29, 39, 49, 59, 69, 79, 89, 99].map((tenths) => 10_000 + tenths));
  limits.end();
});

test("the beginning of a long progress message is passed on", () => {
  const heard: (string | undefined)[] = [];
  const limits = new RequestLimits({ onProgress: ({ message }) => heard.push(message) });
  for (const message of ["x".repeat(1_000), "x".repeat(5_000_000)]) limits.progress({ progress: 1, total: 2, message });
  limits.progress({ progress: 2 });
  expect(heard).toEqual(["x".repeat(1_000), `${"x".repeat(1_000)}…`, undefined]);
  limits.end();
});

test("a pause does not count as silence; the time limit starts anew after the last of several pauses", async () => {
  const limits = new RequestLimits({ timeoutMs: 100 });
  const seen = watched(limits);
  const goOn = [limits.pause(), limits.pause()];
  await pass(200);
  goOn[0]?.();
  await pass(200);
  expect(limits.signal.aborted).toBe(false);
  goOn[1]?.();
  await pass(200);
  expect(seen.reached?.ms).toBe(500);
});

test("the given signal aborts the request until it has ended", () => {
  const stop = new AbortController();
  const limits = new RequestLimits({ signal: stop.signal });
  const ended = new RequestLimits({ signal: stop.signal, timeoutMs: 100 });
  ended.end();
  stop.abort("enough");
  expect([limits.signal.reason, ended.signal.aborted]).toEqual(["enough", false]);
  limits.end();
  expect(() => new RequestLimits({ signal: stop.signal })).toThrow("enough");
});

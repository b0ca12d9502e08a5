import { once } from "node:events";
import { expect, test } from "@jest/globals";
import { RunningLimits } from "../../src/mcp/limits.js";

/** When they were reached, in ms from now on, and why. */
async function reached(limits: RunningLimits): Promise<{ ms: number; why: string }> {
  const startedAt = performance.now();
  const reason = await new Promise((resolve) => limits.onAbort(resolve));
  limits.end();
  return { ms: performance.now() - startedAt, why: String(reason) };
}

const silence = "no answer and no progress within";

test("of several limits that run each is reached at its own time, whichever began first", async () => {
  const long = reached(new RunningLimits({ timeoutMs: 300 }));
  const short = reached(new RunningLimits({ timeoutMs: 100 }));
  new RunningLimits({ timeoutMs: 150 }).end();
  expect((await short).why).toContain(`${silence} 0.1 s`);
  expect((await short).ms).toBeGreaterThanOrEqual(99);
  expect((await long).ms).toBeGreaterThanOrEqual(299);
});

test("progress begins the silence anew, but not the whole", async () => {
  const limits = new RunningLimits({ timeoutMs: 300, maxTotalTimeoutMs: 1_000 });
  const ticking = setInterval(() => limits.progress({ progress: 1 }), 20);
  const { ms, why } = await reached(limits);
  clearInterval(ticking);
  expect(why).toContain("not finished within 1 s");
  expect(ms).toBeGreaterThanOrEqual(999);
});

test("a pause is no silence, and after the last of several it begins anew", async () => {
  const limits = new RunningLimits({ timeoutMs: 100 });
  const goOn = [limits.pause(), limits.pause()];
  await reached(new RunningLimits({ timeoutMs: 200 }));
  goOn[0]?.();
  await reached(new RunningLimits({ timeoutMs: 200 }));
  expect(limits.aborted).toBe(false);
  goOn[1]?.();
  expect((await reached(limits)).ms).toBeGreaterThanOrEqual(99);
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

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { retryDelay } from "../../../src/llm/request/retry.js";
import { httpConfig } from "../../support/llm-config.js";

const seed = {
  ...httpConfig,
  initialRetryDelayMs: 1000,
  maxRetryDelayMs: 16_000,
  retryMultiplier: 2,
  retryJitter: 0.1,
};
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempts = fc.integer({ min: 1, max: 12 });

test("proportional: min(initial * multiplier^(n-1), max), plus or minus retry_jitter, to the bit", () => {
  fc.assert(
    fc.property(attempts, chance, fc.double({ min: 0, max: 1, noNaN: true }), (n, random, retryJitter) => {
      const delay = retryDelay({ ...seed, retryJitter }, { attempts: n, delayMs: 0 }, undefined, () => random);
      expect(delay).toBe(Math.min(1000 * 2 ** (n - 1), 16_000) * (1 + retryJitter * (2 * random - 1)));
    }),
  );
});

test("proportional: the seed's pauses, with the jitter at its ends", () => {
  const pauses = (random: number) =>
    [1, 2, 3, 4, 5, 6].map((n) => retryDelay(seed, { attempts: n, delayMs: 0 }, undefined, () => random));
  expect(pauses(0.5)).toEqual([1000, 2000, 4000, 8000, 16_000, 16_000]);
  expect(pauses(0)).toEqual([900, 1800, 3600, 7200, 14_400, 14_400]);
});

test("full: uniform from nothing to the back-off, to the bit", () => {
  fc.assert(
    fc.property(attempts, chance, (n, random) => {
      const delay = retryDelay(
        { ...seed, retryJitterMode: "full" },
        { attempts: n, delayMs: 0 },
        undefined,
        () => random,
      );
      expect(delay).toBe(random * Math.min(1000 * 2 ** (n - 1), 16_000));
    }),
  );
});

test("decorrelated: uniform from the initial pause to thrice the pause before, at most max, to the bit", () => {
  fc.assert(
    fc.property(attempts, chance, fc.integer({ min: 0, max: 16_000 }), (n, random, delayMs) => {
      const delay = retryDelay(
        { ...seed, retryJitterMode: "decorrelated" },
        { attempts: n, delayMs },
        undefined,
        () => random,
      );
      expect(delay).toBe(Math.min(16_000, 1000 + random * (Math.max(1000, 3 * delayMs) - 1000)));
    }),
  );
});

describe("a server's hint", () => {
  test("is never undercut, and spread by a tenth, at most a second", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("proportional", "full", "decorrelated"),
        chance,
        fc.integer({ min: 1, max: 60_000 }),
        (retryJitterMode, random, hintMs) => {
          const delay = retryDelay({ ...seed, retryJitterMode }, { attempts: 1, delayMs: 0 }, hintMs, () => random);
          expect(delay).toBe(hintMs + random * Math.min(1000, hintMs / 10));
        },
      ),
    );
  });

  test("is shortened to the longest time that a timer can wait", () => {
    expect(retryDelay(seed, { attempts: 1, delayMs: 0 }, Number.POSITIVE_INFINITY, () => 0)).toBe(2 ** 31 - 1);
  });
});

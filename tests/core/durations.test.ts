import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseDuration } from "../../src/core/text/durations.js";

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["1.5m", 90_000],
  ["2h", 7_200_000],
  ["90d", 7_776_000_000],
  ["0s", 0],
  [" 5s ", 5000],
])("%s is %d ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(["", "30", "s", "5 s", "-5s", "+5s", "1e3s", "5S", "5w", "5s5s", ".5s", "5.s", "constructor"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("each unit is so many of the one before", () => {
  fc.assert(
    fc.property(fc.nat(10_000), (amount) => {
      expect(parseDuration(`${amount}ms`)).toBe(amount);
      expect(parseDuration(`${amount}s`)).toBe(parseDuration(`${amount * 1000}ms`));
      expect(parseDuration(`${amount}m`)).toBe(parseDuration(`${amount * 60}s`));
      expect(parseDuration(`${amount}h`)).toBe(parseDuration(`${amount * 60}m`));
    }),
  );
});

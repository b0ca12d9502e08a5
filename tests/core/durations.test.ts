import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  elapsedText,
  parseDuration,
  parseGoDuration,
  waitText,
  writtenDuration,
} from "../../src/core/text/durations.js";

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
  "%j is not a duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("each unit is a fixed multiple of the unit before", () => {
  fc.assert(
    fc.property(fc.nat(10_000), (amount) => {
      expect(parseDuration(`${amount}ms`)).toBe(amount);
      expect(parseDuration(`${amount}s`)).toBe(parseDuration(`${amount * 1000}ms`));
      expect(parseDuration(`${amount}m`)).toBe(parseDuration(`${amount * 60}s`));
      expect(parseDuration(`${amount}h`)).toBe(parseDuration(`${amount * 60}m`));
    }),
  );
});

test.each([
  ["45.5s", 45_500],
  ["6m0s", 360_000],
  ["1h2m3s", 3_723_000],
  ["120ms", 120],
  ["", Number.NaN],
  ["soon", Number.NaN],
])("Go's %j is %d ms", (text, ms) => {
  expect(parseGoDuration(text)).toBe(ms);
});

test.each([
  [-1, "0 ms"],
  [999.4, "999 ms"],
  [1000, "1.0 s"],
  [9_949, "9.9 s"],
  [9_950, "10 s"],
  [59_499, "59 s"],
  [59_500, "1 min 0 s"],
  [119_700, "2 min 0 s"],
  [3_725_000, "62 min 5 s"],
])("%d ms took %s", (ms, text) => {
  expect(elapsedText(ms)).toBe(text);
});

test.each([
  [300, "300 ms"],
  [1500, "1.5 s"],
  [120_000, "2 min"],
  [90 * 60_000, "1.5 h"],
  [2 * 86_400_000, "2 days"],
])("a limit of %d ms is written %s", (ms, text) => {
  expect(waitText(ms)).toBe(text);
});

test("a written duration reads back to the same value", () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), (ms) => {
      expect(parseDuration(writtenDuration(ms))).toBe(ms);
    }),
  );
});

import type { AssertionProblem } from "./kind.js";
import { shown } from "./words.js";

export interface Range {
  min: number;
  max: number;
}

/** Reads a range of counts. Both `min` and `max` are optional; without `min`, `leastByDefault` applies. */
export function readRange({ min, max }: Record<string, unknown>, leastByDefault: number): Range | AssertionProblem {
  const wrong = [min, max].find((one) => one !== undefined && !(Number.isInteger(one) && Number(one) >= 0));
  if (wrong !== undefined) return { problem: `expected min and max to be counts, got ${shown(wrong)}` };
  const range = { min: Number(min ?? leastByDefault), max: Number(max ?? Number.POSITIVE_INFINITY) };
  return range.min > range.max
    ? { problem: `expected min to be at most max, got ${range.min} and ${range.max}` }
    : range;
}

export function isWithin(count: number, { min, max }: Range): boolean {
  return count >= min && count <= max;
}

/** Returns the range as text: `3`, `1 to 3`, `at least 1` or `at most 3`. */
export function rangeText({ min, max }: Range): string {
  if (min === max) return String(min);
  if (max === Number.POSITIVE_INFINITY) return `at least ${min}`;
  return min === 0 ? `at most ${max}` : `${min} to ${max}`;
}

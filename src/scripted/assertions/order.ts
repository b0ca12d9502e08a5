import { isPlainObject } from "../../core/json.js";
import type { AssertionProblem } from "./kind.js";
import { shown, unknownKey } from "./words.js";

export interface Order {
  mode: "in_order" | "exact";
  steps: readonly unknown[];
}

/**
 * Reads an expected order: a list, or `{mode, steps}`. The default mode is `in_order`: other items may come before, between and after the
 * expected ones.
 */
export function readOrder(value: unknown): Order | AssertionProblem {
  if (Array.isArray(value)) return readOrder({ steps: value });
  if (!isPlainObject(value)) return { problem: `expected value to be a list, or {mode, steps}, got ${shown(value)}` };
  const { mode = "in_order", steps } = value;
  if (mode !== "in_order" && mode !== "exact")
    return { problem: `expected mode to be in_order or exact, got ${shown(mode)}` };
  if (!Array.isArray(steps) || steps.length === 0) {
    return { problem: `expected steps to be a list that is not empty, got ${shown(steps)}` };
  }
  return unknownKey(value, ["mode", "steps"]) ?? { mode, steps };
}

/**
 * Compares the actual items with an expected order. `holds` is true if the actual items have that order; with `exact`, there must be no
 * other items. `missing` is the first expected item that was not found.
 */
export function inOrder<Wanted, Came>(
  mode: Order["mode"],
  wanted: readonly Wanted[],
  came: readonly Came[],
  matches: (wanted: Wanted, came: Came) => boolean,
): { holds: boolean; missing?: Wanted } {
  if (mode === "exact") {
    const isSame = (one: Wanted, index: number) => index < came.length && matches(one, came[index] as Came);
    return { holds: came.length === wanted.length && wanted.every(isSame) };
  }
  let position = 0;
  for (const one of came) {
    if (position < wanted.length && matches(wanted[position] as Wanted, one)) position++;
  }
  return { holds: position === wanted.length, missing: wanted[position] };
}

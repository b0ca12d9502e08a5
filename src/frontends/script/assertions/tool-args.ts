import { isDeepStrictEqual } from "node:util";
import { globMatches } from "../../../core/glob.js";
import { isMapping } from "../../../core/tree.js";
import type { Kind } from "./kind.js";
import { madeCalls, readMatcher } from "./tool-matcher.js";
import { listed, shown, unknownKey } from "./words.js";

/**
 * One call at least of the tool has these arguments. `partial`: it may have more, at every depth; lists are whole.
 * `ignore` names arguments that do not matter, with `*` for any part. One at its default counts as left out, on both sides.
 */
export const toolArgsMatch: Kind = ({ value }) => {
  if (!isMapping(value)) return { problem: `expected value to be {name, args}, got ${shown(value)}` };
  const matcher = readMatcher(value);
  if ("problem" in matcher) return matcher;
  const { mode = "partial", defaults = {}, ignore = [] } = value;
  const args = value.args ?? value.arguments;
  if (!isMapping(args)) return { problem: `expected args to be the arguments by name, got ${shown(args)}` };
  if (mode !== "partial" && mode !== "exact")
    return { problem: `expected mode to be partial or exact, got ${shown(mode)}` };
  if (!isMapping(defaults)) return { problem: `expected defaults to be values by argument, got ${shown(defaults)}` };
  const ignored: unknown[] = Array.isArray(ignore) ? ignore : [ignore];
  if (!ignored.every((name): name is string => typeof name === "string" && name.trim() !== "")) {
    return { problem: `expected ignore to be names of arguments, got ${shown(ignore)}` };
  }
  const wrong = unknownKey(value, ["name", "pattern", "args", "arguments", "mode", "ignore", "defaults"]);
  if (wrong) return wrong;
  const relevant = (given: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(given).filter(
        ([name, one]) =>
          !ignored.some((glob) => globMatches(glob, name)) &&
          !(Object.hasOwn(defaults, name) && isDeepStrictEqual(one, defaults[name])),
      ),
    );
  const matches = mode === "exact" ? isDeepStrictEqual : isPartOf;
  const wanted = relevant(args);
  return (outcome) => {
    const calls = madeCalls(outcome.calls);
    const given = calls.filter(matcher.matches).map((call) => call.args);
    return {
      holds: given.some((one) => isMapping(one) && matches(relevant(one), wanted)),
      subject: `a call of ${matcher.text}`,
      predicate: `to have ${mode === "exact" ? "exactly " : ""}the arguments ${shown(args)}`,
      found: given.length === 0 ? "it was not called" : `it was called with ${listed(given.map(argsText))}`,
    };
  };
};

function argsText(args: unknown): string {
  return args === undefined ? "what is no JSON" : shown(args);
}

/** Whether all that is wanted is there. */
function isPartOf(given: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(given) &&
      given.length === wanted.length &&
      wanted.every((one, index) => isPartOf(given[index], one))
    );
  }
  if (!isMapping(wanted)) return isDeepStrictEqual(given, wanted);
  return (
    isMapping(given) &&
    Object.entries(wanted).every(([name, one]) => Object.hasOwn(given, name) && isPartOf(given[name], one))
  );
}

import { isDeepStrictEqual } from "node:util";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { globMatches } from "../../core/patterns/glob.js";
import type { Kind } from "./kind.js";
import { madeCalls, readMatcher } from "./tool-matcher.js";
import { listed, shown, unknownKey } from "./words.js";

/**
 * Checks that at least one call of the tool has these arguments. With the mode `partial`, the call may have additional arguments, and
 * additional keys at any depth, but no additional list items. Arguments that are named in `ignore` are not compared; in `ignore`, `*`
 * stands for any part of a name. An argument of the call that equals its value in `defaults` is not compared either.
 */
export const toolArgsMatch: Kind = ({ value }) => {
  if (!isPlainObject(value)) return { problem: `expected value to be {name, args}, got ${shown(value)}` };
  const matcher = readMatcher(value);
  if ("problem" in matcher) return matcher;
  const { mode = "partial", defaults = {}, ignore = [] } = value;
  const args = value.args ?? value.arguments;
  if (!isPlainObject(args)) return { problem: `expected args to be the arguments by name, got ${shown(args)}` };
  if (mode !== "partial" && mode !== "exact")
    return { problem: `expected mode to be partial or exact, got ${shown(mode)}` };
  if (!isPlainObject(defaults))
    return { problem: `expected defaults to be values by argument, got ${shown(defaults)}` };
  const ignored: unknown[] = Array.isArray(ignore) ? ignore : [ignore];
  if (!ignored.every((name): name is string => typeof name === "string" && name.trim() !== "")) {
    return { problem: `expected ignore to be names of arguments, got ${shown(ignore)}` };
  }
  const wrong = unknownKey(value, ["name", "pattern", "args", "arguments", "mode", "ignore", "defaults"]);
  if (wrong) return wrong;
  const isIgnored = (name: string) => ignored.some((glob) => globMatches(glob, name));
  const isDefault = (name: string, one: unknown) =>
    Object.hasOwn(defaults, name) && isDeepStrictEqual(one, defaults[name]);
  const matches = mode === "exact" ? isDeepStrictEqual : isPartOf;
  const wanted = selected(args, (name) => !isIgnored(name));
  const relevant = (given: JsonObject) => selected(given, (name, one) => !isIgnored(name) && !isDefault(name, one));
  return (outcome) => {
    const calls = madeCalls(outcome.calls);
    const given = calls.filter(matcher.matches).map((call) => call.args);
    return {
      holds: given.some((one) => isPlainObject(one) && matches(relevant(one), wanted)),
      subject: `a call of ${matcher.text}`,
      predicate: `to have ${mode === "exact" ? "exactly " : ""}the arguments ${shown(args)}`,
      found: given.length === 0 ? "it was not called" : `it was called with ${listed(given.map(argsText))}`,
    };
  };
};

function selected(args: JsonObject, isWanted: (name: string, value: unknown) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(args).filter(([name, value]) => isWanted(name, value)));
}

function argsText(args: unknown): string {
  return args === undefined ? "arguments that are not JSON" : shown(args);
}

function isPartOf(given: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(given) &&
      given.length === wanted.length &&
      wanted.every((one, index) => isPartOf(given[index], one))
    );
  }
  if (!isPlainObject(wanted)) return isDeepStrictEqual(given, wanted);
  return (
    isPlainObject(given) &&
    Object.entries(wanted).every(([name, one]) => Object.hasOwn(given, name) && isPartOf(given[name], one))
  );
}

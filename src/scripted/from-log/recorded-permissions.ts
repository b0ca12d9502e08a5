/**
 * Derives permission rules from the log. With these rules, a replayed conversation asks about the same calls as the original one, and a live
 * run of it runs nothing else unasked than the configuration allows.
 */

import { asObject, isPlainObject, parseJson } from "../../core/json.js";
import { textOf } from "../../core/messages.js";
import { permits, readArgumentPatterns } from "../../core/patterns/argument-pattern.js";
import { patternOf } from "../../core/patterns/tool-pattern.js";
import type { PlayableCall } from "../../session/export/playable.js";

interface RecordedPermissions {
  /** Set if the user was asked about a call. Otherwise the configuration decides about calls that are not in the conversation. */
  approval?: "ask";
  allow?: string[];
  deny?: string[];
}

/** Returns the permission rules. `calls` must contain all calls of the conversation. */
export function permissionsOf(calls: readonly PlayableCall[]): RecordedPermissions {
  const deny = unique(calls.flatMap(denialOf));
  const remembered = new Set<string>();
  const unasked = calls.filter((call) => {
    if (call.approval?.remember && call.approval.allow) remembered.add(patternOf(call));
    return (
      !call.approval && call.server !== "" && !call.isInvented && !isRefused(call) && !remembered.has(patternOf(call))
    );
  });
  const allow = unique(unasked.map(withArguments));
  return {
    ...(calls.some(({ approval }) => approval) && { approval: "ask" }),
    ...(allow.length > 0 && { allow }),
    ...(deny.length > 0 && { deny }),
  };
}

const unique = (texts: readonly string[]) => [...new Set(texts)];

const resultOf = ({ result }: PlayableCall) => textOf(result.content);

function isRefused(call: PlayableCall): boolean {
  return !call.isSent && resultOf(call).startsWith("not run: ");
}

/** Returns the deny rule that is named in the result of a refused call. Returns an empty list if no rule refused the call. */
function denialOf(call: PlayableCall): string[] {
  if (!isRefused(call)) return [];
  const [, tool, rule] =
    /^not run: (?:(\S+) is denied by the user's policy|the user's policy denies .*, by the rule (.+))$/s.exec(
      resultOf(call),
    ) ?? [];
  return [tool ?? rule ?? []].flat();
}

/**
 * Returns a pattern for this call with its arguments, as far as a rule can name them. The log does not contain the rule that let the call
 * run, which may have depended on the arguments.
 */
function withArguments(call: PlayableCall): string {
  const given = asObject(parseJson(call.call.arguments)) ?? {};
  const patterns = scalarsIn(given).flatMap(([name, value]) => {
    const text = `${name}=${JSON.stringify(String(value))}`;
    const read = readArgumentPatterns(text);
    return Array.isArray(read) && read.every((pattern) => permits(pattern, given)) ? [text] : [];
  });
  return patterns.length === 0 ? patternOf(call) : `${patternOf(call)}(${patterns.join(", ")})`;
}

/** Returns the values that are neither objects nor lists, each with the names that lead to it, such as `options.mode`. */
function scalarsIn(given: object, above = ""): [name: string, value: unknown][] {
  return Object.entries(given).flatMap(([key, value]) => {
    const name = `${above}${key}`;
    if (isPlainObject(value)) return scalarsIn(value, `${name}.`);
    return Array.isArray(value) ? [] : [[name, value]];
  });
}

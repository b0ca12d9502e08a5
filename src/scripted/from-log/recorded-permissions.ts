/** Derives permission rules from the log. With these rules, a replayed conversation asks about the same calls as the original one. */

import { asObject, parseJson } from "../../core/json.js";
import { textOf } from "../../core/messages.js";
import { patternOf } from "../../core/patterns/tool-pattern.js";
import type { PlayableCall } from "../../session/export/playable.js";

interface RecordedPermissions {
  /** Set if the user was asked about a call. Otherwise the configuration decides about the calls of a live run. */
  approval?: "ask";
  /** The calls that ran unasked. The log does not contain the rule that let them run, so a live run needs such a rule of its own. */
  allow_in_replay?: string[];
  deny?: string[];
}

/** Returns the permission rules. `calls` must contain all calls of the conversation. */
export function permissionsOf(calls: readonly PlayableCall[]): RecordedPermissions {
  const deny = unique(calls.flatMap(denialOf));
  const asked = new Set(calls.filter(({ approval }) => approval).map(patternOf));
  const remembered = new Set<string>();
  const unasked = calls.filter((call) => {
    if (call.approval?.remember && call.approval.allow) remembered.add(patternOf(call));
    return (
      !call.approval && call.server !== "" && !call.isInvented && !isRefused(call) && !remembered.has(patternOf(call))
    );
  });
  const allow = unique(unasked.map((call) => (asked.has(patternOf(call)) ? withArguments(call) : patternOf(call))));
  return {
    ...(asked.size > 0 && { approval: "ask" }),
    ...(allow.length > 0 && { allow_in_replay: allow }),
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
 * Returns a pattern that includes the call's arguments. Used if the user was asked about other calls of the same tool, but not about this
 * call: the original permissions must have depended on the arguments.
 */
function withArguments(call: PlayableCall): string {
  const texts = Object.entries(asObject(parseJson(call.call.arguments)) ?? {}).filter(
    ([name, value]) => typeof value !== "object" && !/[\s=,"]/.test(name),
  );
  const patterns = texts.map(([name, value]) => `${name}=${JSON.stringify(String(value))}`);
  return patterns.length === 0 ? patternOf(call) : `${patternOf(call)}(${patterns.join(", ")})`;
}

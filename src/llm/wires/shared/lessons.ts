/** Parts of the rules by which each wire learns from a refused request (a 400). A lesson changes how later requests are written. */
import type { Lesson, WireQuirks } from "../wire.js";
import type { ProviderError } from "./provider-error.js";
import { refusalText } from "./refusals.js";

/** Returns a lesson, or undefined if the refusal is about something else. `text` is the refusal's text, `used` the quirks of the request. */
export type LessonRule<Q extends WireQuirks> = (text: string, used: Q) => Lesson<Q> | undefined;

/**
 * Returns the possible lessons of the refusal, in the order of the rules. Providers word a refusal in a dozen ways, so a lesson is only a
 * guess: the caller checks that the lesson changes the request, and applies each lesson only once.
 */
export function lessonsBy<Q extends WireQuirks>(
  rules: readonly LessonRule<Q>[],
  said: ProviderError,
  used: Q,
): Lesson<Q>[] {
  const text = refusalText(said);
  return rules.flatMap((rule) => rule(text, used) ?? []);
}

/** Returns a rule that sets a quirk if the text matches all patterns. Has no effect if the quirk has this value already. */
export function sets<Q extends WireQuirks, Name extends keyof Q>(
  name: Name,
  value: Q[Name],
  note: string,
  ...patterns: readonly RegExp[]
): LessonRule<Q> {
  return (text, used) => {
    if (used[name] === value || !patterns.every((pattern) => pattern.test(text))) return undefined;
    return { changes: { [name]: value } as unknown as Partial<Q>, note };
  };
}

/**
 * Returns a rule for refusals that name the greatest number of tools. The pattern has one group for this number in each of its alternatives.
 */
export function limitsTools<Q extends WireQuirks>(pattern: RegExp): LessonRule<Q> {
  return (text, { maxTools }) => {
    const value = Number(pattern.exec(text)?.slice(1).find(Boolean));
    if (!(value > 0 && value < maxTools)) return undefined;
    const note = `more than ${value} tools are refused; sending the first ${value} from now on`;
    return { changes: { maxTools: value } as Partial<Q>, note };
  };
}

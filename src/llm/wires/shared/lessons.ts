/** Parts of the rules by which each wire learns from a refused request (a 400). A lesson changes how later requests are written. */
import type { Lesson, WireQuirks } from "../wire.js";
import type { ProviderError } from "./provider-error.js";
import { aboutMedia, aboutTools, refusalText } from "./refusals.js";

/** A rule with its lesson, or a function that computes the lesson. */
export type LessonRule<Q extends WireQuirks> = FixedLesson<Q> | ComputedLesson<Q>;

interface FixedLesson<Q extends WireQuirks> extends Lesson<Q> {
  /** The refusal's text must match all of these patterns. */
  matches: readonly RegExp[];
  /** The refusal's text must not match this pattern. */
  unless?: RegExp;
}

/** Returns a lesson, or undefined if the refusal is about something else. `text` is the refusal's text, `used` the quirks of the request. */
type ComputedLesson<Q extends WireQuirks> = (text: string, used: Q) => Lesson<Q> | undefined;

/**
 * Returns the possible lessons of the refusal, in the order of the rules. Providers word a refusal in a dozen ways, so a lesson is only a
 * guess: the caller checks that the lesson changes the request, and applies each lesson only once. Lessons by which the request was written
 * already are left out.
 */
export function lessonsBy<Q extends WireQuirks>(
  rules: readonly LessonRule<Q>[],
  said: ProviderError,
  used: Q,
): Lesson<Q>[] {
  const text = refusalText(said);
  return rules.flatMap((rule) => {
    const lesson = typeof rule === "function" ? rule(text, used) : fixedLesson(rule, text);
    return lesson && !isFollowed(lesson, used) ? [lesson] : [];
  });
}

function fixedLesson<Q extends WireQuirks>(
  { matches, unless, ...lesson }: FixedLesson<Q>,
  text: string,
): Lesson<Q> | undefined {
  return matches.every((pattern) => pattern.test(text)) && !unless?.test(text) ? lesson : undefined;
}

function isFollowed<Q extends WireQuirks>({ changes }: Lesson<Q>, used: Q): boolean {
  return changes !== undefined && Object.entries(changes).every(([quirk, value]) => used[quirk as keyof Q] === value);
}

/**
 * Rule for refusals of single pictures or recordings. It comes after rules for models that accept no pictures at all. It needs no exact
 * pattern: what was left out in vain is sent again in later requests.
 */
export const leavesOutMedia = {
  matches: [aboutMedia],
  unless: aboutTools,
  leavesOutMedia: true,
  note: "a picture or sound in the conversation is refused; sending a note in its place from now on",
} as const;

/** Returns the note of a lesson to leave out a parameter. `what` names the parameter, or two of them with "and". */
export function leftOut(what: string): string {
  const [are, them] = what.includes(" and ") ? ["are", "them"] : ["is", "it"];
  return `${what} ${are} refused; leaving ${them} out from now on`;
}

/**
 * Returns a rule for refusals that name the greatest number of tools. The pattern has one group for this number in each of its alternatives.
 */
export function limitsTools<Q extends WireQuirks>(pattern: RegExp): ComputedLesson<Q> {
  return (text, { maxTools }) => {
    const value = Number(pattern.exec(text)?.slice(1).find(Boolean));
    if (!(value > 0 && value < maxTools)) return undefined;
    const note = `more than ${value} tools are refused; sending the first ${value} from now on`;
    return { changes: { maxTools: value } as Partial<Q>, note };
  };
}

/** Rule for refusals that name the greatest length of a tool's description, such as OpenAI's `tools[3].function.description`. */
export function shortensDescriptions<Q extends WireQuirks>(
  text: string,
  { maxDescription = Infinity }: Q,
): Lesson<Q> | undefined {
  const value = Number(/\btools?\b.{0,60}\bdescription\b.{0,80}?max(?:imum)?\D{0,20}(\d+)/is.exec(text)?.[1]);
  if (!(value > 0 && value < maxDescription)) return undefined;
  const note = `descriptions of tools with more than ${value} characters are refused; shortening them from now on`;
  return { changes: { maxDescription: value } as Partial<Q>, note };
}

/**
 * Rule for refusals to stream, such as OpenAI's "Your organization must be verified to stream this model". It comes after the rules for parameters,
 * because a refusal of `stream_options` may propose `stream`.
 */
export function asksForWholeAnswers<Q extends WireQuirks>(text: string): Lesson<Q> | undefined {
  if (!/(?<![\w-])stream(ing)?(?![\w-])/i.test(text) || !streamRefused.test(text) || aboutTools.test(text))
    return undefined;
  const note = "streaming is refused; asking for whole answers from now on";
  return { changes: { streams: false } as Partial<Q>, note, isLoss: true };
}

const streamRefused =
  /unsupported|\bnot (be )?(currently )?(supported|allowed)|not support|incompatible|must be verified/i;

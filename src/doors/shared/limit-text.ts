import type { LimitQuestion } from "../../core/events.js";
import { elapsedText } from "../../core/text/durations.js";

/** Describes a limit, such as `this turn has used 900 of 1,000 tokens, and the next step needs about 200 tokens`. */
export function limitText({ limit, scope, used, allowed, needed, estimated, unpriced }: LimitQuestion): string {
  if (limit === "loop") return `the model has made the same call ${used} times in a row, with the same result`;
  const facts = [
    `${owners[scope]} ${verbs[limit]} ${estimated ? "about " : ""}${number(limit, used)} of ${amount(limit, allowed)}`,
    needed ? `, and the next step needs ${limit === "calls" ? "" : "about "}${amount(limit, needed)}` : "",
    unpriced ? `, and ${unpriced} more requests of unknown price` : "",
  ];
  return facts.join("");
}

/** The consequences of both answers to a question about a limit. */
export const limitAnswers = {
  yes: "continue up to the same amount again",
  no: "the model answers with what it has, and the turn ends",
};

/** Returns the description of a limit that has stopped a turn, with the setting that raises it. */
export function stoppedText(question: LimitQuestion): string {
  const { limit, scope } = question;
  return `the turn was stopped: ${limitText(question)}${limit === "loop" ? "" : ` (chat.limits.${scope}.${limit})`}`;
}

const owners = { turn: "this turn has", conversation: "this conversation has", day: "the turns of today have" };

const verbs = { hops: "made", tokens: "used", usd: "cost", time: "run for", calls: "made" };

const units = { hops: " requests to the model", tokens: " tokens", usd: "", time: "", calls: " tool calls" };

type CountedLimit = keyof typeof units;

function amount(limit: CountedLimit, value: number): string {
  return number(limit, value) + units[limit];
}

function number(limit: CountedLimit, value: number): string {
  if (limit === "usd") return dollars(value);
  return limit === "time" ? elapsedText(value) : value.toLocaleString("en-US");
}

/** Formats an amount of US dollars with four decimals, because a small request costs less than a cent. */
export function dollars(value: number): string {
  return value > 0 && value < 0.0001 ? "less than $0.0001" : `$${value.toFixed(4)}`;
}

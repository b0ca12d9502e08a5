import type { LimitQuestion } from "../../core/events.js";

/**
 * Describes a limit, such as `this turn has used 900 of 1000 tokens, and the next step needs about 200 tokens (chat.limits.turn.tokens)`.
 */
export function limitText({ limit, scope, used, allowed, needed, estimated, unpriced }: LimitQuestion): string {
  if (limit === "loop") return `the model has made the same call ${used} times in a row, with the same result`;
  const facts = [
    `${owners[scope]} has used ${estimated ? "about " : ""}${number(limit, used)} of ${amount(limit, allowed)}`,
    needed ? `, and the next step needs ${limit === "calls" ? "" : "about "}${amount(limit, needed)}` : "",
    unpriced ? `, and ${unpriced} more requests of unknown price` : "",
  ];
  return `${facts.join("")} (chat.limits.${scope}.${limit})`;
}

const owners = { turn: "this turn", conversation: "this conversation", day: "today" };

const units = { hops: " hops", tokens: " tokens", usd: "", time: " s", calls: " tool calls" };

type CountedLimit = keyof typeof units;

function amount(limit: CountedLimit, value: number): string {
  return number(limit, value) + units[limit];
}

function number(limit: CountedLimit, value: number): string {
  if (limit === "usd") return dollars(value);
  return limit === "time" ? (value / 1000).toFixed(1) : String(value);
}

/** Formats an amount of US dollars with four decimals, because a small request costs less than a cent. */
export function dollars(value: number): string {
  return value > 0 && value < 0.0001 ? "less than $0.0001" : `$${value.toFixed(4)}`;
}

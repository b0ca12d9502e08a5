/** The answer of `/api/usage`, and the measures by which its lines are compared. */
import { elapsedText } from "../../core/text/durations.js";
import { shownCount, shownDollars } from "../shared/format-text.js";

export const bys = ["day", "model", "conversation", "tool", "server"] as const;

export type By = (typeof bys)[number];

export const spans = { "1d": "yesterday", "7d": "7 days ago", "30d": "30 days ago", "365d": "a year ago" };

export type UsageSpan = keyof typeof spans;

interface RequestLine {
  key: string;
  /** Title of the conversation, in the answer by conversation. */
  title?: string;
  requests: number;
  input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cached_tokens: number;
  cache_write_tokens: number;
  /**
   * Estimated input and output tokens of requests for which the provider reported no token counts. The other fields do not include these
   * tokens.
   */
  estimated_tokens: number;
  usd: number;
  /** Number of requests without a known price. `usd` does not include their cost. */
  unpriced_requests: number;
}

interface CallLine {
  key: string;
  /** Title of the conversation, in the answer by conversation. */
  title?: string;
  calls: number;
  errors: number;
  duration_ms: number;
  result_bytes: number;
}

export type UsageLine = RequestLine | CallLine;

export interface UsageAnswer {
  by: By;
  lines: readonly UsageLine[];
  /** Sum of the lines that the host left out, with the number of these lines. Null if no line was left out. */
  rest: (UsageLine & { lines: number }) | null;
  /** Sum of all lines. If the sum has a `key`, the key has no meaning. */
  total: UsageLine;
}

export interface Measure {
  name: string;
  of: (line: UsageLine) => number;
  text: (line: UsageLine) => string;
}

const ofRequests = (of: (line: RequestLine) => number, text?: (line: RequestLine) => string) => ({
  of: (line: UsageLine) => ("requests" in line ? of(line) : 0),
  text: (line: UsageLine) => ("requests" in line ? (text ?? ((each) => shownCount(of(each))))(line) : ""),
});

const ofCalls = (of: (line: CallLine) => number, text?: (line: CallLine) => string) => ({
  of: (line: UsageLine) => ("calls" in line ? of(line) : 0),
  text: (line: UsageLine) => ("calls" in line ? (text ?? ((each) => shownCount(of(each))))(line) : ""),
});

const requestMeasures: readonly Measure[] = [
  { name: "Cost", ...ofRequests(({ usd }) => usd, costText) },
  { name: "Requests", ...ofRequests(({ requests }) => requests) },
  { name: "Tokens in", ...ofRequests((line) => line.input_tokens + line.estimated_tokens, tokensIn) },
  { name: "Tokens out", ...ofRequests(({ output_tokens }) => output_tokens) },
];

const callMeasures: readonly Measure[] = [
  { name: "Calls", ...ofCalls(({ calls }) => calls) },
  { name: "Errors", ...ofCalls(({ errors }) => errors) },
  {
    name: "Time",
    ...ofCalls(
      ({ duration_ms }) => duration_ms,
      (line) => elapsedText(line.duration_ms),
    ),
  },
  {
    name: "Results",
    ...ofCalls(
      ({ result_bytes }) => result_bytes,
      (line) => bytes(line.result_bytes),
    ),
  },
];

export function measuresOf({ by }: UsageAnswer): readonly Measure[] {
  return by === "tool" || by === "server" ? callMeasures : requestMeasures;
}

/** Returns the first measure. If the total of the first measure is 0, returns the second measure. */
export function firstMeasure(usage: UsageAnswer): Measure {
  const [first, second] = measuresOf(usage) as [Measure, Measure];
  return first.of(usage.total) > 0 ? first : second;
}

/** Formats the cost. If some requests have no known price, the cost is shown as incomplete or unknown. */
function costText({ requests, usd, unpriced_requests: unpriced }: RequestLine): string {
  if (unpriced === 0) return shownDollars(usd);
  return unpriced >= requests ? "not known" : `${shownDollars(usd)} and more`;
}

function tokensIn({ input_tokens, cached_tokens, cache_write_tokens, estimated_tokens }: RequestLine): string {
  const parts = { cached: cached_tokens, written: cache_write_tokens };
  const known = Object.entries(parts).flatMap(([what, tokens]) =>
    tokens > 0 ? [`${shownCount(tokens)} ${what}`] : [],
  );
  const cached = known.length > 0 ? ` (${known.join(", ")})` : "";
  const estimated = estimated_tokens > 0 ? ` + about ${shownCount(estimated_tokens)}` : "";
  return `${shownCount(input_tokens)}${cached}${estimated}`;
}

function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  return size < 1_000_000 ? `${(size / 1_000).toFixed(1)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}

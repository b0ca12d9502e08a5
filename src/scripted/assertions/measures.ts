import type { Kind } from "./kind.js";
import { shown } from "./words.js";

export const measureKinds = {
  latency: ({ threshold, value }) =>
    limitProblem("milliseconds", threshold, value) ??
    (({ latencyMs }) => ({
      holds: latencyMs <= Number(threshold),
      subject: "the step",
      predicate: `to take at most ${threshold} ms`,
      found: `it took ${Math.round(latencyMs)} ms`,
    })),
  cost: ({ threshold, value }) =>
    limitProblem("US dollars", threshold, value) ??
    (({ costUsd }) =>
      costUsd === undefined
        ? {
            problem: `expected the step to cost at most $${threshold}, but its cost is not known: the model has no price`,
          }
        : {
            holds: costUsd <= Number(threshold),
            subject: "the step",
            predicate: `to cost at most $${threshold}`,
            found: `it cost $${costUsd}`,
          }),
} satisfies Record<string, Kind>;

function limitProblem(unit: string, threshold: unknown, value: unknown): { problem: string } | undefined {
  if (typeof threshold === "number" && threshold >= 0 && value === undefined) return undefined;
  if (value !== undefined) return { problem: `expected threshold in ${unit} instead of value` };
  return { problem: `expected threshold to be a number of ${unit}, got ${shown(threshold)}` };
}

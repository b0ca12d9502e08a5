import { isMapping } from "../../../core/tree.js";
import type { Kind } from "./kind.js";
import { quoted, shown } from "./words.js";

/** `output` and `context.vars` as promptfoo has them; of the outcome, `context` has what JSON can say. */
export const javascript: Kind = ({ value: code, threshold }) => {
  if (typeof code !== "string" || code.trim() === "")
    return { problem: `expected value to be JavaScript, got ${shown(code)}` };
  return async ({ output, events: _, ...outcome }, { evaluate, vars }) => {
    const result = await evaluate(code, { output, context: { vars, ...outcome } });
    const read = readResult(result, threshold);
    if (read === undefined) {
      return {
        problem: `expected ${quoted(code)} to come to true, false, a number or {pass, score, reason}, got ${shown(result)}`,
      };
    }
    return { holds: read.holds, subject: quoted(code), predicate: read.predicate, found: read.found };
  };
};

function readResult(result: unknown, threshold: number | undefined) {
  if (typeof result === "boolean") return { holds: result, predicate: "to be true", found: `it is ${result}` };
  if (typeof result === "number") {
    const holds = threshold === undefined ? result > 0 : result >= threshold;
    return {
      holds,
      predicate: threshold === undefined ? "to be above 0" : `to be at least ${threshold}`,
      found: `it is ${result}`,
    };
  }
  if (!isMapping(result) || typeof result.pass !== "boolean") return undefined;
  const { pass, score, reason } = result;
  const isScoreLow = typeof score === "number" && threshold !== undefined && score < threshold;
  const found = typeof reason === "string" ? quoted(reason) : `it came to ${shown(result)}`;
  return { holds: pass && !isScoreLow, predicate: "to pass", found };
}

import { isPlainObject } from "../../core/json.js";
import type { Kind } from "./kind.js";
import { quoted, shown } from "./words.js";

/**
 * Runs JavaScript code with the variables `output` and `context.vars`, as promptfoo does. `context` also contains the outcome of the step,
 * as far as JSON can express it.
 */
export const javascript: Kind = ({ value: code, threshold }) => {
  if (typeof code !== "string" || code.trim() === "")
    return { problem: `expected value to be JavaScript, got ${shown(code)}` };
  const body = bodyOf(code);
  if (/^return\s+return\b/.test(body)) {
    return { problem: `${quoted(code)}: one line is an expression, so leave out "return", or write several lines` };
  }
  return async ({ output, events: _, ...outcome }, { evaluate, vars }) => {
    const values = { body, output, context: { vars, ...outcome } };
    const result = await evaluate('new Function("output", "context", body)(output, context)', values);
    const read = readResult(result, threshold);
    if (read === undefined) {
      return {
        problem: `expected ${quoted(code)} to return true, false, a number or {pass, score, reason}, got ${shown(result)}`,
      };
    }
    return { holds: read.holds, subject: quoted(code), predicate: read.predicate, found: read.found };
  };
};

/**
 * Returns the function body for the code, as promptfoo does. Code of one line is an expression, possibly with declarations before it. Code
 * of several lines is already a function body.
 */
function bodyOf(code: string): string {
  if (code.trimEnd().includes("\n")) return code;
  const line = code.trim().replace(/;+\s*$/, "");
  if (!/^(const|let|var)\s/.test(line)) return `return ${line}`;
  const [, declarations = "", expression = ""] =
    line.match(/^((?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|[^'"`])*;)(.*)$/s) ?? [];
  return expression.trim() ? `${declarations} return ${expression}` : line;
}

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
  if (!isPlainObject(result)) return undefined;
  const { pass, score, reason } = result;
  if (typeof pass !== "boolean" || typeof score !== "number" || typeof reason !== "string") return undefined;
  return { holds: pass, predicate: "to pass", found: quoted(reason) };
}

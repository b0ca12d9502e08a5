/**
 * Formats results as TAP 14 (https://testanything.org/tap-version-14-specification.html). Each run becomes a test point, and its steps
 * become a subtest.
 */
import { toVisibleJson, unambiguous } from "../../../core/text/inert.js";
import { positionText } from "../../shared/script-position.js";
import type { RunReport, StepReport } from "../run-report.js";

export function tapBegin(count: number): string {
  return `TAP version 14\n1..${count}\n`;
}

/** Returns the test point of a run. `number` counts from 1. */
export function tapRun(report: RunReport, number: number): string {
  const { name, status, steps, error, durationMs, position, model, transcript } = report;
  if (status === "skipped") return `ok ${number} - ${escaped(name)} # SKIP not begun\n`;
  const inner = steps.map((step, index) => indented(stepPoint(step, index + 1)));
  const subtest = steps.length > 0 ? [`# Subtest: ${escaped(name)}\n`, `    1..${steps.length}\n`, ...inner] : [];
  const facts = { at: positionText(position), model, duration_ms: Math.round(durationMs), error, transcript };
  return `${subtest.join("")}${point(status === "passed", number, name)}${diagnostics(facts)}`;
}

function stepPoint({ name, status, position, durationMs, error, failures }: StepReport, number: number): string {
  if (status === "skipped") return `ok ${number} - ${escaped(name)} # SKIP\n`;
  if (status === "passed") return point(true, number, name);
  const reasons = failures.map(({ type, reason, position: at }) => ({ at: positionText(at), type, reason }));
  const facts = { at: positionText(position), duration_ms: Math.round(durationMs), error, failures: reasons };
  return `${point(false, number, name)}${diagnostics(facts)}`;
}

function point(isOk: boolean, number: number, name: string): string {
  return `${isOk ? "ok" : "not ok"} ${number} - ${escaped(name)}\n`;
}

/** Returns a YAML block in which each value is written as JSON. */
function diagnostics(facts: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(facts)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]) => `  ${key}: ${toVisibleJson(value)}\n`);
  return `  ---\n${lines.join("")}  ...\n`;
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "    ");
}

/** Returns the text in one line. Characters that would begin a TAP directive are escaped. */
function escaped(text: string): string {
  return unambiguous(text)
    .replaceAll(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll(/[\\#]/g, "\\$&")
    .trim();
}

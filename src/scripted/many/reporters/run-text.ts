import { elapsedText } from "../../../core/text/durations.js";
import { unambiguous } from "../../../core/text/inert.js";
import type { Colors } from "../../../doors/shared/terminal.js";
import { positionText } from "../../shared/script-position.js";
import type { Failure, StepResult } from "../../shared/script-result.js";
import type { RunReport, StepReport } from "../run-report.js";

/** Returns a line such as `FAILED a.session.yaml triage (test/m1, 12 ms)`. An error that does not belong to a step is added below it. */
export function runLine({ status, position, name, model, durationMs, error }: RunReport): string {
  const mark = status === "failed" ? "FAILED" : status;
  const facts = [model, elapsedText(durationMs)].filter(Boolean).join(", ");
  return unambiguous(`${mark} ${position.file} ${inOneLine(name)} (${facts})${error ? `: ${sentence(error)}` : ""}\n`);
}

export function transcriptLine({ transcript }: RunReport): string {
  return transcript === undefined ? "" : `transcript: ${transcript}\n`;
}

export function failureText(report: RunReport, colors: Colors): string {
  const { status, name, position, steps, error, transcript } = report;
  const lines = [
    ...(error ? [`${positionText(position)} ${sentence(error)}`] : []),
    ...steps.filter((step) => step.status === "failed").flatMap(stepLines),
    ...(transcript === undefined ? [] : [`transcript: ${transcript}`]),
  ];
  const heading = `${status === "failed" ? "FAILED" : status} ${inOneLine(name)}`;
  return `\n${colors.red(unambiguous(heading))}\n${unambiguous(lines.map((line) => `${indented(line)}\n`).join(""))}`;
}

function stepLines({ name, position, error, failures }: StepReport): string[] {
  const reasons = failures.map(({ position: at, type, reason }) => `  ${positionText(at)} ${type}: ${reason}`);
  return [`${positionText(position)} ${inOneLine(name)}`, ...(error ? [indented(sentence(error))] : []), ...reasons];
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}

export function stepLine({ passed, skipped, name, position, durationMs, error, assertions }: StepResult): string {
  const mark = skipped ? "skipped" : passed ? "ok     " : "FAILED ";
  const time = skipped ? "" : ` (${Math.round(durationMs)} ms)`;
  const reasons = assertions
    .filter((assertion) => !assertion.passed)
    .map((assertion) => `${positionText(assertion.position)}: ${assertion.reason}`);
  const failures = error ? [`${positionText(position)}: ${sentence(error)}`, ...reasons] : reasons;
  return unambiguous(
    [
      `  ${mark} ${inOneLine(name)}${time}\n`,
      ...failures.map((line) => `${line.replaceAll(/^/gm, "          ")}\n`),
    ].join(""),
  );
}

function sentence({ message, hint }: Failure): string {
  return hint ? `${message} (${hint})` : message;
}

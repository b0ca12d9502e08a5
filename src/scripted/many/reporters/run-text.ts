import { elapsedText } from "../../../core/text/durations.js";
import { unambiguous } from "../../../core/text/inert.js";
import type { Colors } from "../../../doors/shared/terminal.js";
import { positionText } from "../../shared/script-position.js";
import type { RunReport, StepReport } from "../run-report.js";
import { sentence } from "./step-text.js";

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

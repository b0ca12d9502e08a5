import { unambiguous } from "../../../core/text/inert.js";
import { positionText } from "../../shared/script-position.js";
import type { Failure, StepResult } from "../../shared/script-result.js";

export function stepLine({ passed, skipped, name, position, durationMs, error, assertions }: StepResult): string {
  const mark = skipped ? "skipped" : passed ? "ok     " : "FAILED ";
  const time = skipped ? "" : ` (${Math.round(durationMs)} ms)`;
  const reasons = assertions
    .filter((assertion) => !assertion.passed)
    .map((assertion) => `${positionText(assertion.position)}: ${assertion.reason}`);
  const failures = error ? [`${positionText(position)}: ${sentence(error)}`, ...reasons] : reasons;
  return unambiguous(
    [`  ${mark} ${name.replaceAll(/\s+/g, " ")}${time}\n`, ...failures.map((line) => `${indented(line)}\n`)].join(""),
  );
}

export function sentence({ message, hint }: Failure): string {
  return hint ? `${message} (${hint})` : message;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "          ");
}

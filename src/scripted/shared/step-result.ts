import { errorInfo } from "../../core/errors.js";
import { innerSteps, type Step } from "./script.js";
import type { Failure, StepResult } from "./script-result.js";

export function stepFailureOf(error: unknown): Failure {
  const { kind, message, hint } = errorInfo(error);
  return { kind, message, hint };
}

function base({ position, name, kind }: Step) {
  return { position, name, kind, skipped: false, assertions: [], durationMs: 0 };
}

export function passedStep(step: Step, more: Partial<StepResult> = {}): StepResult {
  return { ...base(step), passed: true, ...more };
}

export function failedStep(step: Step, error: unknown, more: Partial<StepResult> = {}): StepResult {
  return { ...base(step), passed: false, error: stepFailureOf(error), ...more };
}

/** Returns results for steps that are not run, and for the steps within them, so that a report lists all steps. */
export function skippedSteps(steps: readonly Step[]): StepResult[] {
  return steps.flatMap((step) => {
    const inner = innerSteps(step);
    return inner ? skippedSteps(inner) : [{ ...base(step), passed: true, skipped: true }];
  });
}

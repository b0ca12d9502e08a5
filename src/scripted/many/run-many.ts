import { messageOf } from "../../core/errors.js";
import { unbegun } from "../run-in-host.js";
import { type ScriptResult, stepFailureOf } from "../shared/script-result.js";
import type { ScriptRunOptions } from "../steps/script-host.js";
import type { PlannedRun } from "./run-plan.js";
import { type RunReport, reportOf, skippedReport } from "./run-report.js";

/** Receiver of progress. Each method is called at the moment of the event that it reports. */
export interface Reporter {
  begin?(count: number): void;
  runBegan?(run: PlannedRun): void;
  /** Called once for each run when the run ends, even for a skipped run. */
  runEnded?(report: RunReport): void;
  end(many: ManyResult): void;
}

export interface ManyResult {
  /** Reports of all runs, in the same order as the planned runs. */
  reports: readonly RunReport[];
  durationMs: number;
}

interface RunCleaner {
  value<T>(value: T): T;
  text(text: string): string;
}

const nothingCleaned: RunCleaner = { value: (value) => value, text: (text) => text };

export interface ManyOptions {
  /** Runs one script in a new host. */
  runOne(run: PlannedRun, options: ScriptRunOptions): Promise<ScriptResult>;
  jobs: number;
  /** If true, no further runs are started after a failure. Runs that have already started continue to their end. */
  bail?: boolean;
  /** When this signal aborts, the running scripts are cancelled and no further runs are started. */
  signal?: AbortSignal;
  /**
   * Stores parts of the result that the report leaves out. `index` is the position of the run in the plan. Resolves with the path of the
   * stored transcript, or with undefined if it was not stored.
   */
  keep?(run: PlannedRun, result: ScriptResult, index: number): Promise<string | undefined>;
  /** Returns functions that remove secrets from the results of a run. Default: nothing is removed. */
  cleanerOf?(run: PlannedRun): RunCleaner;
  reporters: readonly Reporter[];
  /** Returns the time of a monotonic clock, in ms. */
  now(): number;
}

/**
 * Runs all scripts. An error of a run becomes part of the run's report. Calls all methods of the reporters except `end`, which the caller
 * must call.
 */
export async function runMany(runs: readonly PlannedRun[], options: ManyOptions): Promise<ManyResult> {
  const { jobs, bail = false, signal, reporters, now } = options;
  const startedAt = now();
  const reports: RunReport[] = [];
  let next = 0;
  let hasFailed = false;
  const isOver = () => signal?.aborted || (bail && hasFailed);
  for (const reporter of reporters) reporter.begin?.(runs.length);

  const work = async () => {
    while (next < runs.length) {
      const index = next++;
      const run = runs[index] as PlannedRun;
      const report = isOver() ? cleanerFor(run, options).value(skippedReport(run)) : await oneRun(run, index, options);
      hasFailed ||= report.status === "failed";
      reports[index] = report;
      for (const reporter of reporters) reporter.runEnded?.(report);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, runs.length) }, work));
  return { reports, durationMs: now() - startedAt };
}

function cleanerFor(run: PlannedRun, { cleanerOf }: ManyOptions): RunCleaner {
  return cleanerOf?.(run) ?? nothingCleaned;
}

async function oneRun(run: PlannedRun, index: number, options: ManyOptions): Promise<RunReport> {
  const { runOne, keep, signal, reporters } = options;
  const { script, model, matrix } = run;
  for (const reporter of reporters) reporter.runBegan?.(run);
  const how = { model, matrix, signal };
  const whole = await runOne(run, how).catch((error: unknown) => unbegun(script, error, how));
  const cleaner = cleanerFor(run, options);
  const report = (of: ScriptResult, transcript?: string) => cleaner.value(reportOf(run, of, transcript));
  // Secrets are removed before texts are shortened for the report. If a secret were cut, no pattern would recognise what is left of it.
  const { error, steps, transcript } = whole;
  const result: ScriptResult = {
    ...whole,
    ...(error && { error: cleaner.value(error) }),
    steps: steps.map(({ outcome: _, ...step }) => cleaner.value(step)),
    transcript: transcript
      .split("\n")
      .map((line) => cleaner.text(line))
      .join("\n"),
  };
  try {
    return report(
      result,
      await keep?.({ ...run, name: cleaner.value(run.name) }, { ...whole, transcript: result.transcript }, index),
    );
  } catch (error) {
    const message = `the transcript could not be written: ${messageOf(error)}`;
    return report({ ...result, passed: false, error: result.error ?? stepFailureOf(new Error(message)) });
  }
}

import { messageOf } from "../../../core/errors.js";
import type { ScriptRunOptions } from "../parts.js";
import type { ScriptResult } from "../result.js";
import { unbegun } from "../run-in-host.js";
import { failureOf } from "../step-result.js";
import type { PlannedRun } from "./plan.js";
import { type RunReport, reportOf, skippedReport } from "./report.js";

/** Receiver of progress. Each method is called when its event happens. */
export interface Reporter {
  begin?(count: number): void;
  runBegan?(run: PlannedRun): void;
  /** Called once per run, even for a skipped one, in the order in which they end. */
  runEnded?(report: RunReport): void;
  end(many: ManyResult): void;
}

export interface ManyResult {
  /** Reports in the order of the plan. */
  reports: readonly RunReport[];
  durationMs: number;
}

interface RunCleaner {
  value<T>(value: T): T;
  text(text: string): string;
}

const nothingCleaned: RunCleaner = { value: (value) => value, text: (text) => text };

export interface ManyOptions {
  /** Runs one script in its own host. */
  runOne(run: PlannedRun, options: ScriptRunOptions): Promise<ScriptResult>;
  jobs: number;
  /** After a failure, starts no further runs. Running ones continue to their end. */
  bail?: boolean;
  /** Cancels running scripts and starts no more. */
  signal?: AbortSignal;
  /** Stores what the report leaves out. `index`: position in the plan. Resolves to the transcript's path if one was stored. */
  keep?(run: PlannedRun, result: ScriptResult, index: number): Promise<string | undefined>;
  /** Removes secrets from a run's results. Default: changes nothing. */
  cleanerOf?(run: PlannedRun): RunCleaner;
  reporters: readonly Reporter[];
  /** Returns ms of a monotonic clock. */
  now(): number;
}

/** Runs all scripts. Never rejects for a run's error. Reporters have received every run, but `end` was not called yet. */
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
  // Cleans before the report shortens the texts: no pattern recognises half a secret.
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
    const message = `the transcript was not kept: ${messageOf(error)}`;
    return report({ ...result, passed: false, error: result.error ?? failureOf(new Error(message)) });
  }
}

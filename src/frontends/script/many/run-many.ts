/** Many runs, some of them at a time. */
import { messageOf } from "../../../core/errors.js";
import type { ScriptRunOptions } from "../parts.js";
import type { ScriptResult } from "../result.js";
import { unbegun } from "../run-in-host.js";
import { failureOf } from "../step-result.js";
import type { PlannedRun } from "./plan.js";
import { type RunReport, reportOf, skippedReport } from "./report.js";

/** Gets told what happens; every method is called in time. */
export interface Reporter {
  begin?(count: number): void;
  runBegan?(run: PlannedRun): void;
  /** Each run once, also one that never began; in the order of their ends. */
  runEnded?(report: RunReport): void;
  end(many: ManyResult): void;
}

export interface ManyResult {
  /** In the order of the plan. */
  reports: readonly RunReport[];
  durationMs: number;
}

interface RunCleaner {
  value<T>(value: T): T;
  /** JSON, or any text. */
  text(text: string): string;
}

const nothingCleaned: RunCleaner = { value: (value) => value, text: (text) => text };

export interface ManyOptions {
  /** One run in a host of its own. */
  runOne(run: PlannedRun, options: ScriptRunOptions): Promise<ScriptResult>;
  /** At a time. */
  jobs: number;
  /** After a failure nothing more begins; what runs goes on to its end. */
  bail?: boolean;
  /** What runs is cancelled, and nothing more begins. */
  signal?: AbortSignal;
  /** Keeps what the report leaves out; `index`: in the plan. Resolves to the path of the transcript, if it was kept. */
  keep?(run: PlannedRun, result: ScriptResult, index: number): Promise<string | undefined>;
  /** Takes out what may not be told of a run. Default: nothing. */
  cleanerOf?(run: PlannedRun): RunCleaner;
  reporters: readonly Reporter[];
  /** Milliseconds, of a clock that never goes back. */
  now(): number;
}

/** Never rejects for what a run does. The reporters have been told of every run, but not yet of the end. */
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
  // Before the report shortens its texts: no pattern knows the half of a secret.
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

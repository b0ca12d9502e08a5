/** `run FILE.session.yaml …`: reads the files, runs the sessions and reports the results. */

import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { LoadedConfig } from "../../config/reading/load.js";
import { configuredSecrets } from "../../config/reading/secrets.js";
import { ConfigError } from "../../core/errors.js";
import { addAll } from "../../core/lists/long-lists.js";
import { unambiguous } from "../../core/text/inert.js";
import { exitCodes } from "../../doors/shared/exit-codes.js";
import { eraseLine } from "../../doors/shared/status-line.js";
import { oneLine } from "../../doors/shared/terminal.js";
import { stderrLines } from "../../host/logging.js";
import { type CassetteMode, requireCassette } from "../../scripted/cassette/cassette.js";
import { readFaults } from "../../scripted/cassette/faults.js";
import { Cleaner } from "../../scripted/cassette/file/clean.js";
import { cassetteModeOf, runReadScript } from "../../scripted/host/run-script.js";
import { settingsOf } from "../../scripted/host/script-settings.js";
import { findScripts } from "../../scripted/many/find-scripts.js";
import { openReporters, requireWritable } from "../../scripted/many/reporters/open-reporters.js";
import { stepLine } from "../../scripted/many/reporters/run-text.js";
import { runMany } from "../../scripted/many/run-many.js";
import { type PlannedRun, plan, requireKnownVariables } from "../../scripted/many/run-plan.js";
import { exitCodeOf } from "../../scripted/many/run-report.js";
import { summaryOf } from "../../scripted/many/summary/run-summary.js";
import { summaryHtml } from "../../scripted/many/summary/summary-html.js";
import { summaryJson } from "../../scripted/many/summary/summary-json.js";
import { summaryMarkdown } from "../../scripted/many/summary/summary-tables.js";
import { Transcripts } from "../../scripted/many/transcripts.js";
import type { Update } from "../../scripted/many/updates/assertion-updates.js";
import { readScript } from "../../scripted/reading/read-script.js";
import type { Script } from "../../scripted/shared/script.js";
import { positionText } from "../../scripted/shared/script-position.js";
import type { StepResult } from "../../scripted/shared/script-result.js";
import type { GlobalOptions } from "../shared/configuration.js";
import { loadConfirmed } from "../shared/confirmed.js";
import { exit, onInterrupt } from "../shared/process.js";
import type { ScriptFlags } from "./script-flags.js";

const { stdout, stderr } = process;
const now = () => performance.now();
const defaultJobs = 8;
const summaryWriters = { html: summaryHtml, json: summaryJson, md: summaryMarkdown };

/**
 * Runs the scripts and ends the process. If anything is wrong before the first session begins, rejects with a ConfigError that lists every
 * mistake of every script, or with a RequestError.
 */
export async function runScripts(words: readonly string[], flags: ScriptFlags, global: GlobalOptions): Promise<never> {
  const cwd = process.cwd();
  readFaults(flags.fault ?? []);
  const scripts = allSound(findScripts(words, cwd), (path) => readScript(path, cwd));
  requireKnownVariables(scripts, flags.var);
  const runs = await plan(scripts, flags);
  const mode = modeOf(flags);
  const played = runs.filter(({ script }) => cassetteModeOf(script, mode) === "replay");
  allSound([...new Set(played.map(({ script }) => script.cassette))], requireCassette);
  // If every run replays a cassette (recorded traffic with models and servers), no run needs API keys. Environment variables in the
  // configuration may then be unset.
  const allowsUnset = played.length === runs.length;
  const config = await loadConfirmed(global, { allowsUnset });
  allSound(scripts, (script) => config.with(settingsOf(script), { allowsUnset: true }));
  if (mode && mode !== "replay") requireOwnCassettes(runs);
  const { reporters, isWatched } = openReporters(flags, stdout, now);
  for (const { path } of flags.summary ?? []) requireWritable(path);
  // Loaded only when needed, because the YAML parser that preserves comments loads slowly.
  const updates = flags.update
    ? new (await import("../../scripted/many/updates/assertion-updates.js")).Updates()
    : undefined;
  const transcripts = new Transcripts(flags.transcripts);
  const { signal, endedBy } = untilEnded();
  const given = commonOptions(flags, config, mode);
  const cleanerOf = (run: PlannedRun) => reportCleaner(run, config);
  const toldStep = (run: PlannedRun) => {
    const cleaner = cleanerOf(run);
    return (step: StepResult) => void stderr.write(cleaner.text(stepLine(step)));
  };

  const many = await runMany(runs, {
    jobs: flags.jobs ?? Math.min(availableParallelism(), defaultJobs),
    bail: flags.bail,
    signal,
    reporters,
    now,
    keep: (run, result, index) => {
      updates?.note(result);
      return transcripts.keep(run, result, index);
    },
    cleanerOf,
    runOne: (run, how) =>
      runReadScript(run.script, { ...how, ...given, ...(isWatched && runs.length === 1 && { onStep: toldStep(run) }) }),
  });
  for (const reporter of reporters) reporter.end(many);
  for (const { path, format } of flags.summary ?? [])
    writeFileSync(path, summaryWriters[format](summaryOf(many.reports)));
  const changes = updates?.apply(cwd) ?? [];
  for (const change of changes) stderr.write(updateLine(change));
  const code = exitCodeOf(many.reports);
  const isStale = code === exitCodes.done && changes.some((change) => "problem" in change);
  exit(endedBy() ?? (isStale ? exitCodes.unmet : code));
}

/** Returns a cleaner for the reports of a run. It removes the secrets of the configuration and of the script's own settings. */
function reportCleaner({ script, model = script.model }: PlannedRun, config: LoadedConfig): Cleaner {
  const cleaner = new Cleaner();
  const settings = config.with(settingsOf(script, model), { allowsUnset: true });
  cleaner.conceal(configuredSecrets(settings.config, process.env));
  return cleaner;
}

function commonOptions(flags: ScriptFlags, config: LoadedConfig, cassette?: CassetteMode) {
  const { var: vars, speed, fault: faults, update: updates } = flags;
  const { maxLength, format } = config.config.logging;
  // If stderr is a terminal, a log line first erases the status line.
  const log = (line: string) => void stderr.write(stderr.isTTY ? eraseLine + line : line);
  return {
    config,
    vars,
    speed,
    faults,
    updates,
    cassette,
    observe: stderrLines({ write: log, now: Date.now, maxLength, format }),
  };
}

/** Calls `make` for each given value. If any calls throw ConfigError, throws one ConfigError with the problems of all these calls. */
function allSound<Given, Made>(given: readonly Given[], make: (one: Given) => Made): Made[] {
  const problems: ConfigError["problems"][number][] = [];
  const made = given.flatMap((one) => {
    try {
      return [make(one)];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      addAll(problems, error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return made;
}

/** Returns what the flags want done with the cassettes, or undefined if no flag says it. `--fault` and `--speed` imply a replay. */
function modeOf({ record, recordMissing, replay, speed, fault }: ScriptFlags): CassetteMode | undefined {
  if (record) return "record";
  if (recordMissing) return "record-missing";
  return replay || speed || fault ? "replay" : undefined;
}

function requireOwnCassettes(runs: readonly PlannedRun[]): void {
  const takenBy = new Map<string, Script>();
  for (const { script } of runs) {
    const other = takenBy.get(script.cassette);
    if (other) {
      const message = `${positionText(other.position)} records into the same cassette: give one of them another under "cassette"`;
      throw new ConfigError([{ ...script.position, column: 1, path: "cassette", message }]);
    }
    takenBy.set(script.cassette, script);
  }
}

/**
 * Returns a signal that aborts on the first Ctrl-C, so that the runs stop and their results so far are reported. A second Ctrl-C ends the
 * process at once.
 */
function untilEnded() {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const end = (code: number) => {
    exitCode ??= code;
    controller.abort();
  };
  onInterrupt(() => (controller.signal.aborted ? exit(exitCodes.cancelled) : end(exitCodes.cancelled)));
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.once(signal, () => end(exitCodes.terminated));
  return { signal: controller.signal, endedBy: () => exitCode };
}

function updateLine({ position, ...change }: Update): string {
  const short = (text: string) => oneLine(text, 60);
  const text =
    "problem" in change ? `not updated: ${change.problem}` : `${short(change.before)} -> ${short(change.after)}`;
  return unambiguous(`${"problem" in change ? "" : "updated "}${positionText(position)} ${text}\n`);
}

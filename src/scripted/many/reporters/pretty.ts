/** Shows results to a person: first the running scripts, then a line for each finished run, and at the end the failures. */

import { elapsedText } from "../../../core/text/durations.js";
import { unambiguous } from "../../../core/text/inert.js";
import { eraseLine, StatusLine } from "../../../doors/shared/status-line.js";
import { type Colors, oneLine } from "../../../doors/shared/terminal.js";
import type { Reporter } from "../run-many.js";
import { countsText } from "../run-report.js";
import { summaryOf } from "../summary/run-summary.js";
import { summaryTable } from "../summary/summary-tables.js";
import { failureText, runLine, transcriptLine } from "./run-text.js";

export interface ReportScreen {
  write(text: string): void;
  colors: Colors;
  /** Returns the width of the terminal; called for every frame. Undefined if stdout is not a terminal on which lines can be overwritten. */
  columns?: () => number;
}

interface Running {
  name: string;
  since: number;
}

/** Creates the reporter. `now` returns milliseconds. */
export function prettyReporter({ write, colors, columns }: ReportScreen, now: () => number): Reporter {
  const line = columns && new StatusLine((text) => write(eraseLine + (text ?? "")));
  let status: StatusLine | undefined;
  const running: Running[] = [];
  let count = 0;
  let ended = 0;
  let failed = 0;

  /** Returns the progress line, such as `━━━━──── 12/200 · 1 failed · triage 3.2 s, greet 1.1 s`. */
  const progress = () => {
    const width = columns?.() ?? 80;
    const bar = Math.max(4, Math.min(20, Math.floor(width / 4)));
    const full = Math.floor((bar * ended) / Math.max(1, count));
    const names = running.map(({ name, since }) => `${name} ${elapsedText(now() - since)}`).join(", ");
    const facts = [`${ended}/${count}`, failed > 0 && `${failed} failed`, names].filter(Boolean).join(" · ");
    return oneLine(`${"━".repeat(full)}${"─".repeat(bar - full)} ${facts}`, width - 3);
  };

  return {
    begin: (runs) => {
      count = runs;
      // If there is only one run, its steps are reported instead of a status line.
      status = count > 1 ? line : undefined;
      status?.start(progress);
    },
    runBegan: ({ name }) => void running.push({ name, since: now() }),
    runEnded: (report) => {
      const index = running.findIndex(({ name }) => name === report.name);
      if (index >= 0) running.splice(index, 1);
      ended++;
      if (report.status === "failed") failed++;
      // With a status line, finished runs are only counted; failures are shown at the end.
      if (!status && report.status !== "skipped") write(runLine(report));
    },
    end: ({ reports, durationMs }) => {
      status?.stop();
      if (count === 1) return write(reports.map(transcriptLine).join(""));
      const failures = reports.filter(({ status: each }) => each === "failed" || each === "cancelled");
      for (const report of failures) write(failureText(report, colors));
      const summary = summaryOf(reports);
      if (summary.models.length > 1) write(`\n${summaryTable("model", summary.models)}`);
      const paint = failures.length > 0 ? colors.red : colors.green;
      write(
        unambiguous(`${failures.length > 0 ? "\n" : ""}${paint(countsText(reports))} (${elapsedText(durationMs)})\n`),
      );
    },
  };
}

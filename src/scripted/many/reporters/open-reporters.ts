/** Opens the reporters. At most one reporter writes to stdout; all others need a file. */

import { closeSync, openSync, writeFileSync } from "node:fs";
import picocolors from "picocolors";
import { messageOf, RequestError } from "../../../core/errors.js";
import type { ReporterName } from "../output-formats.js";
import type { Reporter } from "../run-many.js";
import { resultsJson } from "../summary/summary-json.js";
import { resultsJunit } from "./junit.js";
import { prettyReporter, type ReportScreen } from "./pretty.js";
import { tapBegin, tapRun } from "./tap.js";

export interface ReportTarget {
  name: ReporterName;
  /**
   * Absolute path of the file to which the reporter writes. If undefined, the reporter writes to the file `output` (`--output`). If
   * `output` is also undefined, it writes to stdout.
   */
  file?: string;
}

interface WantedReporters {
  reporter?: readonly ReportTarget[];
  output?: string;
}

type Stdout = Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;

/**
 * Opens all files before the first run starts. If all chosen reporters write to files, `pretty` also reports to stdout. In the result,
 * `isWatched` is true if `pretty` writes to stdout. Throws RequestError.
 */
export function openReporters({ reporter = [], output }: WantedReporters, stdout: Stdout, now: () => number) {
  const asked: readonly ReportTarget[] = reporter.length > 0 ? reporter : [{ name: "pretty" }];
  const rest = asked.filter(({ file }) => file === undefined);
  if (rest.length > 1) {
    throw new RequestError("usage", "only one reporter can write to stdout: write --reporter NAME=FILE for the others");
  }
  if (output !== undefined && rest.length === 0) {
    throw new RequestError("usage", "--output is for the reporter without a file, but each reporter has a file");
  }
  const filed = asked.map(({ name, file = output }) => ({ name, file }));
  const open = filed.find(({ file }) => file === undefined);
  const shown = open?.name ?? "pretty";
  const files = filed.flatMap(({ name, file }) => (file === undefined ? [] : [toFile(name, file, now)]));
  return { reporters: [...files, toStdout(shown, stdout, now)], isWatched: shown === "pretty" };
}

function toStdout(name: ReporterName, stdout: Stdout, now: () => number): Reporter {
  const { createColors, isColorSupported } = picocolors;
  const columns = stdout.isTTY ? () => stdout.columns : undefined;
  const colors = createColors(isColorSupported && stdout.isTTY);
  return createReporter(name, { write: (text) => void stdout.write(text), columns, colors }, now);
}

function toFile(name: ReporterName, path: string, now: () => number): Reporter {
  const file = opened(path);
  const write = (text: string) => writeFileSync(file, text);
  const reporter = createReporter(name, { write, colors: picocolors.createColors(false) }, now);
  return {
    ...reporter,
    end: (many) => {
      reporter.end(many);
      closeSync(file);
    },
  };
}

/**
 * Checks that the file can be written. The content of an existing file does not change. Throws RequestError if the file cannot be written.
 */
export function requireWritable(path: string): void {
  closeSync(opened(path, "a"));
}

function opened(path: string, flags = "w"): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw new RequestError("usage", `${path} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

/** Creates the reporter of this name. `now` returns milliseconds. */
export function createReporter(name: ReporterName, screen: ReportScreen, now: () => number): Reporter {
  const { write } = screen;
  switch (name) {
    case "pretty":
      return prettyReporter(screen, now);
    case "json":
      return { end: (many) => write(resultsJson(many)) };
    case "junit":
      return { end: (many) => write(resultsJunit(many)) };
    case "tap":
      return tapReporter(write);
  }
}

function tapReporter(write: ReportScreen["write"]): Reporter {
  let number = 0;
  return {
    begin: (count) => write(tapBegin(count)),
    runEnded: (report) => write(tapRun(report, ++number)),
    end() {},
  };
}

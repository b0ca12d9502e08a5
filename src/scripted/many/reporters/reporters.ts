import type { Reporter } from "../run-many.js";
import { resultsJson } from "../summary/summary-json.js";
import { resultsJunit } from "./junit.js";
import { prettyReporter, type ReportScreen } from "./pretty.js";
import type { ReporterName } from "./reporter-names.js";
import { tapBegin, tapRun } from "./tap.js";

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

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainTableOf } from "./table.mjs";

const repository = new URL("../../../", import.meta.url).pathname;
const page = join(repository, "docs/benchmarks.md");
const chart = "scripts/bench/compare/bench.svg";
const begin = "<!-- bench: `npm run bench -- --docs` writes this -->";
const end = "<!-- /bench -->";

/** Writes the table and the chart of a run between the markers in docs/benchmarks.md. Throws if the markers are missing. */
export function updatePage(folder) {
  const report = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8"));
  const text = readFileSync(page, "utf8");
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`docs/benchmarks.md has no ${begin} … ${end}`);
  copyFileSync(join(folder, "bench.svg"), join(repository, chart));
  writeFileSync(page, `${text.slice(0, before)}${begin}\n\n${sectionOf(report)}\n${text.slice(after)}`);
}

function sectionOf(report) {
  const { node, cpu, cores } = report.machine;
  const loads = report.workloads.map(({ load }) => load);
  const load = `${Math.min(...loads)} to ${Math.max(...loads)}`;
  const picture = `![Multiples of a bare node:http client](../${chart})`;
  return `${plainTableOf(report)}\n${picture}\n\nNode ${node}, ${cores} cores of ${cpu}, shared: its load was ${load} meanwhile.\n`;
}

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { chartOf } from "./chart.mjs";
import { rowsOf } from "./figures.mjs";
import { tableOf } from "./table.mjs";

/**
 * Returns the data that all outputs are made of. `base` is the contestant that ratios are to. `load` is the machine's load, averaged
 * over a minute, at the end of each workload.
 */
export function reportFor(results, contestants, base) {
  const sizes = Object.fromEntries(contestants.map(({ name, size = {} }) => [name, size]));
  return {
    base,
    contestants: contestants.map(({ name }) => name),
    peers: contestants.flatMap(({ name, isPeer }) => (isPeer ? [name] : [])),
    machine: { node: process.version, cpu: cpus()[0].model, cores: cpus().length },
    workloads: results.map(({ workload: { key, title }, load, rounds }) => ({ key, title, load, rounds })),
    rows: results.flatMap((result) => rowsOf(result, sizes, base)),
  };
}

/** Writes the table, the figures and the chart. Returns the table. */
export function writeReport(report, folder) {
  const table = tableOf(report);
  writeFileSync(join(folder, "bench.json"), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, "bench.md"), table);
  writeFileSync(join(folder, "bench.svg"), chartOf(report));
  return table;
}

/** Compares the start of the compiled command line with the start of bare node, alternating in one run. Prints the ratio of the medians. */
import { spawnSync } from "node:child_process";

const rounds = 15;
const cases = { "node -e 0": ["-e", "0"], "mcp-platform --version": ["dist/main.js", "--version"] };
const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));

for (let round = 0; round < rounds; round++) {
  for (const [name, args] of Object.entries(cases)) {
    const start = process.hrtime.bigint();
    const { status } = spawnSync(process.execPath, args, { stdio: "ignore" });
    if (status !== 0) throw new Error(`${name} ended with ${status}`);
    times[name].push(Number(process.hrtime.bigint() - start) / 1e6);
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const [bare, ours] = Object.values(times).map(median);
for (const name of Object.keys(cases))
  process.stdout.write(`${name}: ${median(times[name]).toFixed(0)} ms (median of ${rounds})\n`);
process.stdout.write(`ratio ${(ours / bare).toFixed(2)}\n`);

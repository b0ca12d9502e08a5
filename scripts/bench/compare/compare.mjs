/**
 * Compares this host with other programs on nine workloads, as ratios to a bare `node:http` client. Each contestant has its own process;
 * their rounds alternate. Writes a table (Markdown), the figures (JSON) and a chart (SVG). The exit code is 0 whatever the figures are.
 *
 *   npm run bench [-- --peers openai-mcp,ai-sdk,tiny-agents] [--only W1,W5h] [--rounds N] [--out folder]
 *
 * `--also before=folder,…` adds other builds of this host. `--wires responses,messages,gemini` adds this host on other wires, named
 * `ours-responses` and so on. With `--to ours` or `--to before`, ratios are to that contestant, and `bare` and `ours-sqlite` do not run.
 * `--profile folder` writes CPU profiles of all contestants. `--docs` runs nothing: it writes the table of the last run into
 * docs/benchmarks.md.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { updatePage } from "./benchmarks-page.mjs";
import { contestantsOf } from "./contestants.mjs";
import { startServer } from "./processes.mjs";
import { reportFor, writeReport } from "./report.mjs";
import { runRounds } from "./rounds.mjs";
import { workloads } from "./workloads.mjs";

const list = (text) => (text ? text.split(",") : []);
const { values: flags } = parseArgs({
  options: {
    peers: { type: "string" },
    only: { type: "string" },
    rounds: { type: "string" },
    out: { type: "string", default: "bench-results" },
    also: { type: "string" },
    wires: { type: "string" },
    to: { type: "string", default: "bare" },
    profile: { type: "string" },
    docs: { type: "boolean", default: false },
  },
});
if (flags.docs) {
  updatePage(flags.out);
  process.exit();
}
const only = list(flags.only);
const isWanted = ({ key, isExtra }) =>
  only.length === 0 ? !isExtra : only.some((name) => (key === name ? true : !isExtra && key.startsWith(`${name}-`)));
const say = (text) => process.stderr.write(`${text}\n`);

const folder = mkdtempSync(join(tmpdir(), "bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const wanted = workloads.filter(isWanted);
const isSizeWanted = wanted.some(({ task }) => task?.kind === "memory");
const all = await contestantsOf({
  peers: list(flags.peers),
  also: list(flags.also),
  wires: list(flags.wires),
  isSizeWanted,
  say,
});
const contestants = all.filter(({ name }) => flags.to === "bare" || (name !== "bare" && name !== "ours-sqlite"));
const [model, mcp] = await Promise.all(["servers/model.mjs", "servers/mcp-http.mjs"].map(startServer));
const mocks = { baseUrl: `http://127.0.0.1:${model.port}/v1`, mcpUrl: `http://127.0.0.1:${mcp.port}/mcp` };
const rounds = flags.rounds && Number(flags.rounds);
const results = [];
let failures = 0;
let table = "";
mkdirSync(flags.out, { recursive: true });
for (const workload of wanted) {
  const startedAt = performance.now();
  const onFailure = (name, error) => {
    failures++;
    say(`${workload.key}: ${name} is out: ${error.message}`);
  };
  const taking = contestants.filter(({ isDurable }) => workload.durable || !isDurable);
  const options = { mocks, rounds, folder, profiles: flags.profile, onFailure };
  const samples = await runRounds(workload, taking, options);
  results.push({ workload, samples, load: Number(loadavg()[0].toFixed(1)), rounds: rounds ?? workload.rounds });
  table = writeReport(reportFor(results, contestants, flags.to), flags.out);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  say(`${workload.key} ${workload.title}: ${seconds} s, load ${loadavg()[0].toFixed(1)}`);
}
model.stop();
mcp.stop();
process.stdout.write(table);
process.exit(failures > 0 ? 1 : 0);

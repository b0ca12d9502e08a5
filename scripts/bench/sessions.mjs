/**
 * Replays many sessions with the command line. Each session has its own host, model and server. All use one cassette, which is first
 * recorded against the demo model. Prints the time and the maximum of resident memory as JSON.
 *
 *   npm run build && node scripts/bench/sessions.mjs [SESSIONS] [JOBS]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [sessions = "200", jobs = "2"] = process.argv.slice(2);
const home = mkdtempSync(join(tmpdir(), "mcp-platform-bench-"));
const probe = join(home, "probe.mjs");
writeFileSync(
  probe,
  `process.on("exit", () => process.stderr.write("maxRSS " + process.resourceUsage().maxRSS + "\\n"));\n`,
);
writeFileSync(
  join(home, "bench.session.yaml"),
  `permissions: { approval: auto }
steps:
  - user: Add 2 and 40 with the add tool
    assert: [{ type: equals, value: The answer is 42. }, { type: "trajectory:tool-used", value: demo.add }]
  - tool: { name: demo.add, args: { a: 1, b: 2 } }
    assert: [{ type: equals, value: 3 }]
  - user: Add 20 and 40 with the add tool
    assert: [{ type: contains, value: "60" }]
`,
);

await run("--record");
const startedAt = performance.now();
const stderr = await run("--replay", "--repeat", sessions, "--jobs", jobs, "--reporter", "json=results.json");
const seconds = (performance.now() - startedAt) / 1000;
const { counts, summary } = JSON.parse(readFileSync(join(home, "results.json"), "utf8"));
if (counts.passed !== Number(sessions)) throw new Error(JSON.stringify(counts));
const maxRssMb = Math.round(Number(/maxRSS (\d+)/.exec(stderr)?.[1]) / 1024);
const { p50_ms, p95_ms } = summary.all;
const figures = {
  sessions: counts.passed,
  jobs: Number(jobs),
  seconds: Number(seconds.toFixed(2)),
  p50_ms,
  p95_ms,
  maxRssMb,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
rmSync(home, { recursive: true });

/** Runs the command line. Resolves with its stderr. */
async function run(...flags) {
  const args = ["--import", probe, resolve("dist/main.js"), "run", "bench.session.yaml", ...flags];
  const env = { PATH: process.env.PATH, HOME: home };
  const child = spawn(process.execPath, args, { cwd: home, env, stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.on("data", (part) => {
    text += part;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`exit code ${code}: ${text}`);
  return text;
}

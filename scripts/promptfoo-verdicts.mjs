/**
 * Runs promptfoo on every assertion in tests/scripted/promptfoo-verdicts.jsonl and writes its verdict next to the assertion.
 * `node scripts/promptfoo-verdicts.mjs`. promptfoo is installed into a temporary folder, or into the folder named by PROMPTFOO_FOLDER,
 * where it stays.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const version = "0.121.20";
const table = new URL("../tests/scripted/promptfoo-verdicts.jsonl", import.meta.url);
process.env.PROMPTFOO_DISABLE_TELEMETRY = "1";
process.env.PROMPTFOO_DISABLE_UPDATE = "1";

const folder = process.env.PROMPTFOO_FOLDER ?? mkdtempSync(join(tmpdir(), "promptfoo-"));
try {
  const installed = join(folder, "node_modules/promptfoo");
  if (!existsSync(installed)) {
    const args = ["install", "--prefix", folder, "--ignore-scripts", "--omit=optional", `promptfoo@${version}`];
    execFileSync("npm", args, { stdio: "inherit" });
  }
  const { assertions } = await import(pathToFileURL(join(installed, "dist/src/index.js")).href);
  const rows = readFileSync(table, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const lines = [];
  for (const { passes: _, ...row } of rows) {
    lines.push(`${JSON.stringify({ ...row, passes: await verdict(assertions, row) })}\n`);
  }
  writeFileSync(table, lines.join(""));
  process.stdout.write(`${lines.length} verdicts of promptfoo ${version}\n`);
} finally {
  if (!process.env.PROMPTFOO_FOLDER) rmSync(folder, { recursive: true, force: true });
}
process.exit();

/** Resolves with promptfoo's verdict. An assertion that makes promptfoo throw counts as failed. */
async function verdict({ runAssertion }, { output, calls = [], vars = {}, measured, ...assertion }) {
  const spans = calls.map(([name, args], index) => ({
    spanId: String(index),
    name: `execute_tool ${name}`,
    startTime: index,
    endTime: index + 1,
    attributes: { "gen_ai.tool.name": name, "gen_ai.tool.call.arguments": JSON.stringify(args) },
  }));
  try {
    const { pass } = await runAssertion({
      assertion,
      test: { vars },
      vars,
      latencyMs: measured,
      providerResponse: { output, cost: measured },
      ...(calls.length > 0 && { traceId: "t1", traceData: { traceId: "t1", spans } }),
    });
    return pass;
  } catch {
    return false;
  }
}

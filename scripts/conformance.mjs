/**
 * Runs the official conformance suites against the compiled client and prints the result of each scenario. Scenarios run one after the
 * other, because their time limits are too short for several at once. `npm run conformance [-- SUITE…] [-- SCENARIO…]`.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { load } from "js-yaml";

const run = promisify(execFile);
const timeoutMs = 90_000;
const packages = "tests/slow-packages/node_modules";
const stable = `${packages}/@modelcontextprotocol/conformance`;
const alpha = `${packages}/conformance-alpha`;

/** Suites by name. A suite named by a date holds the scenarios that a host of that revision of MCP must pass. */
const suites = {
  "0.1.16": { folder: stable, flags: [], scenarios: listed },
  "2025-11-25": { folder: alpha, flags: ["--spec-version", "2025-11-25"], scenarios: () => required("2025-11-25") },
  "2026-07-28": { folder: alpha, flags: ["--spec-version", "2026-07-28"], scenarios: () => required("2026-07-28") },
};

const wanted = process.argv.slice(2);
const names = Object.keys(suites);
const chosen = names.filter((name) => wanted.includes(name));
const only = wanted.filter((word) => !names.includes(word));
let failures = 0;

for (const name of chosen.length > 0 ? chosen : names) {
  const { folder, flags, scenarios } = suites[name];
  const results = [];
  for (const { scenario, isScored } of await scenarios(folder)) {
    if (only.length > 0 && !only.includes(scenario)) continue;
    const result = await check(folder, scenario, isScored ? flags : [...flags, "--force"]);
    results.push({ ...result, isScored });
    const mark = result.isPassed ? "ok  " : isScored ? "FAIL" : "no  ";
    const note = isScored ? "" : " (extension, not scored)";
    process.stdout.write(`${name}  ${mark} ${scenario.padEnd(44)} ${result.passed}/${result.total}${note}\n`);
    if (!result.isPassed && isScored) process.stdout.write(`${result.output}\n`);
  }
  const scored = results.filter(({ isScored }) => isScored);
  const good = scored.filter(({ isPassed }) => isPassed);
  const sum = (key) => scored.reduce((count, result) => count + result[key], 0);
  process.stdout.write(
    `${name}: ${good.length}/${scored.length} scenarios, ${sum("passed")}/${sum("total")} checks\n\n`,
  );
  failures += scored.length - good.length;
}
process.exit(failures === 0 ? 0 : 1);

async function suite(folder, ...args) {
  const command = ["--import", "./scripts/conformance-shim.mjs", `${folder}/dist/index.js`, ...args];
  return run(process.execPath, command, { maxBuffer: 64 * 1024 * 1024 });
}

async function listed(folder) {
  const { stdout } = await suite(folder, "list", "--client");
  return [...stdout.matchAll(/^\s+- (\S+) \[/gm)].map(([, scenario]) => ({ scenario, isScored: true }));
}

function required(revision) {
  const { client, not_scored: others = [] } = load(readFileSync(`${alpha}/requirements/${revision}.yaml`, "utf8"));
  return [
    ...client.map((scenario) => ({ scenario, isScored: true })),
    ...others.filter(({ leg }) => leg === "client").map(({ scenario }) => ({ scenario, isScored: false })),
  ];
}

async function check(folder, scenario, flags) {
  const args = ["--command", "node dist/scripts/conformance-client.js", "--scenario", scenario, ...flags];
  const {
    stdout,
    stderr,
    code = 0,
  } = await suite(folder, "client", ...args, "--timeout", String(timeoutMs)).catch((error) => error);
  const output = `${stdout}${stderr}`;
  const [, passed = 0, total = 0] = /Passed: (\d+)\/(\d+)/.exec(output) ?? [];
  return { isPassed: code === 0, passed: Number(passed), total: Number(total), output };
}

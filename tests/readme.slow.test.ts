import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { load } from "js-yaml";
import ts from "typescript";
import { readmeBlocks, withTable } from "../scripts/readme.js";
import { exitCodes } from "../src/frontends/exit-codes.js";
import { assertionTypes } from "../src/frontends/script/assertions/assertions.js";
import type { ScriptObject } from "../src/index.js";
import { loadScript } from "../src/script-host/run-script.js";

const readme = readFileSync("README.md", "utf8");
/** The first block installs, or runs this very suite. */
const [first, ...blocks] = readmeBlocks(readme);
const home = mkdtempSync(join(tmpdir(), "mcp-platform-"));
const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home };

afterAll(() => rmSync(home, { recursive: true }));

test("the first block has the two commands of a newcomer", () => {
  expect(first?.code).toContain('npm ci && npm start -- run "');
  expect(first?.code).toContain("npm ci && npm test");
});

test("the command line of the first block works", () => {
  const { stdout, status } = spawnSync("npm", ["start", "--", "run", "Add 2 and 40 with the add tool"], {
    env,
    encoding: "utf8",
  });
  expect([status, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "The answer is 42."]);
});

test.each(blocks.filter(({ language }) => language === "sh"))("$code", ({ code, expected }) => {
  const { stdout, stderr, status } = spawnSync("bash", ["-euo", "pipefail", "-c", code], { env, encoding: "utf8" });
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  expect(stdout).not.toBe("");
  for (const line of expected) expect(stdout).toContain(line);
});

test.each(blocks.filter(({ language }) => language === "ts"))(
  "against the package by its name: $code",
  ({ code, expected }) => {
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync("dist/readme-example.mjs", outputText);
    const { stdout, stderr, status } = spawnSync(process.execPath, ["dist/readme-example.mjs"], {
      env,
      encoding: "utf8",
    });
    rmSync("dist/readme-example.mjs");
    expect([status, stderr]).toEqual([0, ""]);
    expect(expected).not.toEqual([]);
    for (const line of expected) expect(stdout).toContain(line);
  },
);

test("every assertion and exit code has its row, and every key of a step is there", () => {
  const rows = readme.split("\n").filter((line) => line.startsWith("|"));
  const hasRow = (word: string) => rows.some((row) => (row.split(/(?<!\\)\|/)[1] ?? "").includes(word));
  const codes = Object.values(exitCodes).filter((code) => code !== exitCodes.terminated);
  const words = [...assertionTypes.map((type) => `\`${type}\``), ...codes.map((code) => ` ${code} `)];
  expect(words.filter((word) => !hasRow(word))).toEqual([]);
  const schema = JSON.parse(readFileSync("src/frontends/script/session.schema.json", "utf8"));
  const section = readme.slice(readme.indexOf("## Scripted sessions"), readme.indexOf("## Exit codes"));
  const keys = Object.keys(schema.definitions.step.properties);
  expect(keys.filter((key) => !new RegExp(`\`${key}[:\`]`).test(section))).toEqual([]);
});

const sessions = [...readme.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
  .map(([, text = ""]) => text)
  .filter((text) => /^steps:/m.test(text));

test.each(sessions)("is a session: %s", (text) => {
  expect(loadScript(load(text) as ScriptObject).steps.length).toBeGreaterThan(0);
});

test("the configuration table says what the schema says (node --import ./scripts/ts-node.mjs scripts/readme.ts write)", () => {
  expect(readme).toBe(withTable(readme));
});

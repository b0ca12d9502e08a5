import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import ts from "typescript";
import { readmeBlocks, withTable } from "../scripts/readme.js";

const readme = readFileSync("README.md", "utf8");
/** The first block installs, or runs this very suite. */
const [first, ...blocks] = readmeBlocks(readme);
const home = mkdtempSync(join(tmpdir(), "mcp-platform-"));
const env = { PATH: process.env.PATH, HOME: home };

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

test("the library example runs against the package by its name", () => {
  const example = blocks.find(({ language }) => language === "ts");
  const { outputText } = ts.transpileModule(example?.code ?? "", {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync("dist/readme-example.mjs", outputText);
  const { stdout, stderr, status } = spawnSync(process.execPath, ["dist/readme-example.mjs"], {
    env,
    encoding: "utf8",
  });
  rmSync("dist/readme-example.mjs");
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("The answer is 42.");
  expect(stdout).toContain("demo model");
});

test("the configuration table says what the schema says (node --import ./scripts/ts-node.mjs scripts/readme.ts write)", () => {
  expect(readme).toBe(withTable(readme));
});

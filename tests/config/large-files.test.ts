/** Files that somebody made large or deep, so that they keep a command busy before it asks whether to use them. */

import { expect, test } from "@jest/globals";
import { describeServer } from "../../src/config/consent/consent-text.js";
import { fingerprint } from "../../src/config/consent/project-servers.js";
import { interpolate } from "../../src/config/reading/interpolate.js";
import { processorMs } from "../support/processor-time.js";
import { errorsOf, loadText } from "./folder.js";

const tooLarge = "config.yaml:1:1: aliases (*name) make it more than ten times as large";
const many = (count: number, line: (index: number) => string) => Array.from({ length: count }, (_, at) => line(at));

test("the cost of the question about a file's servers grows linearly with the file", () => {
  const lines = many(2_000, (at) => `  s${at}: { command: x, args: ["\${HOME}", a] }\n`);
  const loaded = loadText(`mcpServers:\n${lines.join("")}`);
  const servers = loaded.config.mcpServers;
  const begun = processorMs();
  fingerprint(servers, [], loaded);
  for (const server of servers) describeServer(server, loaded);
  expect(processorMs() - begun).toBeLessThan(2_000);
});

test.each([
  ["servers with placeholders", `mcpServers:\n${many(2_000, (at) => `  s${at}: { command: "\${HOME}" }\n`).join("")}`],
  ["mistakes", many(10_000, (at) => `k${at}: 1\n`).join("")],
  [
    "mistakes below aliases",
    `a: &a { command: x, k: 1 }\nmcpServers:\n${many(4_000, (at) => `  s${at}: *a\n`).join("")}`,
  ],
  ["placeholders without a value", `llm: { active: "${"${A}".repeat(30_000)}${"${B:-x}".repeat(30_000)}" }`],
])("a file with very many %s is read quickly", (_, text) => {
  const begun = processorMs();
  errorsOf(() => loadText(text));
  expect(processorMs() - begun).toBeLessThan(2_000);
});

test("a placeholder with very many nested placeholders is an error", () => {
  const nested = (depth: number) => `${"${A:-".repeat(depth)}x${"}".repeat(depth)}`;
  expect(interpolate(nested(50), {})).toMatchObject({ text: "x", problems: [] });
  expect(interpolate(nested(50_000), {}).problems).toEqual([expect.stringContaining("malformed placeholder")]);
});

test.each([
  ["texts", `a: &a "${"word ".repeat(20_000)}"\nb: [${many(5_000, () => "*a").join()}]`],
  ["keys", `a: &a { ${"k".repeat(100_000)}: 1 }\nb: [${many(5_000, () => "*a").join()}]`],
  ["values", `a: &a [${many(300, () => "x").join()}]\nb: [${many(3_000, () => "*a").join()}]`],
])("aliases that repeat long %s are refused in a found file", (_, text) => {
  expect(errorsOf(() => loadText(text, { isFound: true }))).toEqual([tooLarge]);
});

test("aliases may repeat a text of 20 KB 60 times in a file that the user has named, but not in a found file", () => {
  const text = `mcpServers:\n  s: { command: x, args: [&a "${"word ".repeat(4_000)}", ${many(59, () => "*a").join()}] }`;
  expect(loadText(text).config.mcpServers[0]).toHaveProperty("args.length", 60);
  expect(errorsOf(() => loadText(text, { isFound: true }))).toEqual([tooLarge]);
  const endless = text.replace("]", `, ${many(900, () => "*a").join()}]`);
  expect(errorsOf(() => loadText(endless))).toEqual([tooLarge]);
});

test("a long file of very short values is read without counting as too many aliases", () => {
  const { config } = loadText(`mcpServers: { s: { command: x, args: [${many(60_000, () => "a").join()}] } }`);
  expect(config.mcpServers[0]).toHaveProperty("args.length", 60_000);
});

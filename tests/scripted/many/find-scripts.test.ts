import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { couldBeScripts, findScripts, isScriptArgument } from "../../../src/scripted/many/find-scripts.js";

const folder = mkdtempSync(join(tmpdir(), "mcp-platform-find-"));
beforeAll(() => {
  const files = ["b.session.yaml", "sub/a.session.yml", "sub/deep/c.session.json", "sub/plain.yaml", "odd.txt"];
  files.push("explain this repository/x.session.yaml", "explain src/main/x.session.yaml", "explain a.session.yaml");
  const hidden = [".git/x.session.yaml", "node_modules/p/y.session.yaml", "sub/.cache/z.session.yaml"];
  for (const name of [...files, ...hidden]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
  mkdirSync(join(folder, "empty/b.session.yaml"), { recursive: true });
  symlinkSync(folder, join(folder, "sub/loop"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const found = (...given: string[]) => findScripts(given, folder).map((path) => path.slice(folder.length + 1));
const all = [
  "b.session.yaml",
  "explain a.session.yaml",
  "explain src/main/x.session.yaml",
  "explain this repository/x.session.yaml",
  "sub/a.session.yml",
  "sub/deep/c.session.json",
];

describe("scripts are found", () => {
  test.each([
    ["in a folder and below, without hidden ones, packages and links that lead around", ["."], all],
    ["by a glob over folders", ["**/*.session.*"], all],
    ["by a glob below a folder", ["sub/**/*.session.*"], all.slice(-2)],
    ["by a glob in a folder's name", ["s*/*.session.yml"], ["sub/a.session.yml"]],
    ["by a glob with ** in the middle, which may be no folder at all", ["**/sub/**/a.*"], ["sub/a.session.yml"]],
    ["by their path, whatever the name", ["odd.txt"], ["odd.txt"]],
    [
      "each once and sorted, however often they are named",
      ["sub", "b.session.yaml", "./b.session.yaml", "**/*.json"],
      ["b.session.yaml", ...all.slice(-2)],
    ],
    ["by an absolute path", [join(folder, "sub/deep")], ["sub/deep/c.session.json"]],
  ])("%s", (_, given, expected) => expect(found(...given)).toEqual(expected));

  test.each([
    ["a file that is not there", "no.session.yaml", "no.session.yaml: no such file"],
    ["a folder without scripts", "empty", "empty: no *.session.yaml there"],
    ["a glob that nothing matches", "**/*.session.toml", "**/*.session.toml: no *.session.yaml there"],
  ])("only if they exist: %s is an error", (_, given, message) => {
    expect(() => found("b.session.yaml", given)).toThrow(message);
  });
});

test.each([
  ["b.session.yaml", true],
  ["missing.session.yaml", true],
  ["*.session.yaml", true],
  ["**", true],
  ["scripts/**/x*", true],
  [".", true],
  ["sub", false],
  ["./sub", true],
  ["sub/deep", true],
  ["./empty", true],
  ["empty", false],
  ["hello", false],
  ["", false],
  ["why is b.session.yaml", false],
  ["explain this repository", false],
  ["explain this repository/", false],
  ["explain src/main", false],
  ["explain a.session.yaml", false],
  ["./explain a.session.yaml", true],
  ["./explain this repository", true],
  ["./explain nothing", false],
  ["2 ** 3", false],
  ["2**3", false],
  ["nothing/", true],
  ["./nothing", true],
  ["../nothing/x", true],
  ["https://example.com/", false],
  ["/help", false],
  ["-", false],
  ["x".repeat(20_000), false],
  [`${"long/".repeat(2_000)}prompt`, false],
  ["a\0b", false],
])("%j stands for scripts: %j", (text, expected) => expect(isScriptArgument(text, folder)).toBe(expected));

test.each([
  ["sub", true],
  ["empty", false],
  ["hello", false],
  ["explain this repository", false],
  ["./sub", false],
  ["", false],
  ["a\0b", false],
])("%j could be meant as scripts, or as a prompt: %j", (word, expected) => {
  expect(couldBeScripts(word, folder)).toBe(expected);
});

describe("a link to a script, such as one in a folder of commands", () => {
  const link = join(folder, "triage");
  beforeAll(() => symlinkSync("sub/a.session.yml", link));
  afterAll(() => rmSync(link));

  test("stands for the script, whatever the link is called", () => {
    expect(isScriptArgument("./triage", folder)).toBe(true);
    expect(isScriptArgument("triage", folder)).toBe(false);
    expect(couldBeScripts("triage", folder)).toBe(true);
  });

  test("is the script at its own place, so that its cassette and what it includes are found", () => {
    expect(found("triage", "sub/a.session.yml")).toEqual(["sub/a.session.yml"]);
  });
});

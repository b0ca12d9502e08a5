/** Prints an overview of the code: the tree, the longest file and the longest function of src/, and the number of tests. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

interface Measured {
  name: string;
  lines: number;
}

function sources(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).sort();
}

function functionsOf(path: string): Measured[] {
  const text = readFileSync(path, "utf8");
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Measured[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const first = tree.getLineAndCharacterOfPosition(node.getStart()).line;
      const last = tree.getLineAndCharacterOfPosition(node.end).line;
      const name = node.name ? node.name.getText() : "(anonymous)";
      found.push({ name: `${path}:${first + 1} ${name}`, lines: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

const longestFirst = (a: Measured, b: Measured) => b.lines - a.lines;
const files = sources("src").map((name) => {
  const path = join("src", name);
  return { name: path, lines: readFileSync(path, "utf8").trimEnd().split("\n").length };
});
const sorted = [...files].sort(longestFirst);
const functions = files.flatMap(({ name }) => functionsOf(name)).sort(longestFirst);
const tests = sources("tests").map((name) => readFileSync(join("tests", name), "utf8"));
const testCount = tests.reduce((sum, text) => sum + (text.match(/^\s*test(\.each)?\b/gm)?.length ?? 0), 0);
const show = ({ name, lines }: Measured) => `${String(lines).padStart(5)}  ${name}`;
const median = sorted[Math.floor(sorted.length / 2)]?.lines ?? 0;

process.stdout.write(
  [
    ...files.map(show),
    "",
    `files ${files.length}, lines ${files.reduce((sum, file) => sum + file.lines, 0)}, median ${median}, over 200 lines: ${sorted.filter((file) => file.lines > 200).length}`,
    "longest files",
    ...sorted.slice(0, 5).map(show),
    "longest functions",
    ...functions.slice(0, 5).map(show),
    `test sentences in the source: ${testCount}`,
    "",
  ].join("\n"),
);

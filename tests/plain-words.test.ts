import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { commentsIn, sourceFiles } from "../scripts/comments.js";

/** The beginning of a comment that is only part of a sentence, so that the reader must find the subject. */
const fragment = /^(?:Of|Who|Whom|Whose|Whoever|What|Whatever|As|Those|That|Which|Such|None|Beside)\b/;

test("no comment of src/ begins with a bare fragment", () => {
  const found = sourceFiles("src").flatMap((path) =>
    commentsIn(readFileSync(path, "utf8"))
      .filter(({ words }) => fragment.test(words))
      .map(({ line, words }) => `${path}:${line}: ${words}`),
  );
  expect(found).toEqual([]);
});

/** Words whose meaning a reader must guess: negated nouns, "one" for a thing just named, people in place of things. */
const unclear =
  /(?<!(?:there|answer) )\bis (?:no(?! longer)|none)\b|\b(?:all the same|whoever|of such a name|so often|do not arrive|no news)\b/i;

test("no line of src/ and no title of a test has words whose meaning a reader must guess", () => {
  const found = [...sourceFiles("src").flatMap(linesOf), ...titles()].filter(({ text }) => unclear.test(text));
  expect(found).toEqual([]);
});

test("the title of a test is a sentence with its describe, and names what it is about", () => {
  const pointing = /^(?:that|which|who|and|or|also|it|they|none|both)\b|\bis one\b/i;
  expect(titles().filter(({ text }) => pointing.test(text))).toEqual([]);
});

function linesOf(path: string): { at: string; text: string }[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((text, index) => ({ at: `${path}:${index + 1}`, text }));
}

/** Returns the texts in tests/ that stand before a function, which is how titles are written. */
function titles(): { at: string; text: string }[] {
  const title = /\(\s*(["`])((?:\\.|(?!\1)[^\\\n])+)\1,\s*(?:\w+\()?(?:async )?(?:\(|\w+ =>)/g;
  return sourceFiles("tests")
    .filter((path) => /^(?!.*node_modules).*\.test\.tsx?$/.test(path))
    .flatMap((path) => [...readFileSync(path, "utf8").matchAll(title)].map(({ 2: text = "" }) => ({ at: path, text })));
}

test("comments are found in every form, and addresses in texts are not taken for comments", () => {
  const source =
    'const url = "http://a"; // The address.\n/** Of it. */\n// Two\n// lines\nx;\n/*\n * Three.\n */\n// biome-ignore x: y\n';
  expect(commentsIn(source).map(({ line, words }) => [line, words])).toEqual([
    [1, "The address."],
    [2, "Of it."],
    [3, "Two lines"],
    [6, "Three."],
  ]);
});

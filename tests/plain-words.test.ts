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

test("comments are found in every form, and addresses in texts are none", () => {
  const source =
    'const url = "http://a"; // The address.\n/** Of it. */\n// Two\n// lines\nx;\n/*\n * Three.\n */\n// biome-ignore x: y\n';
  expect(commentsIn(source).map(({ line, words }) => [line, words])).toEqual([
    [1, "The address."],
    [2, "Of it."],
    [3, "Two lines"],
    [6, "Three."],
  ]);
});

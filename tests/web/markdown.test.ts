import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isReadableMarkdown } from "../../src/core/text/readable-markdown.js";
import { BlockSplitter, unfinishedCode } from "../../src/web/markdown/blocks.js";
import { escapedText, type MarkdownToken, markdownTokens } from "../../src/web/markdown/markdown-tokens.js";
import { visibleText } from "../../src/web/markdown/visible.js";
import { processorMs } from "../support/processor-time.js";
import { runs } from "../support/runs.js";

const whole = (text: string) => new BlockSplitter().split(text);

describe("Markdown that grows", () => {
  test("is split at blank lines and around code, but not within code or a list", () => {
    expect(whole("one\ntwo\n\nthree\n```js\na\n\nb\n```\nfour\n\n- x\n\n- y\n\n  more\n\nend\n")).toEqual({
      closed: ["one\ntwo\n\n", "three\n", "```js\na\n\nb\n```\n", "four\n\n", "- x\n\n- y\n\n  more\n\n"],
      open: "end\n",
    });
  });

  test("has the same blocks in whatever pieces it comes, all of its text, and never changes one that is closed", () => {
    const line = fc.constantFrom(
      "",
      "text",
      "- item",
      "1. one",
      "```",
      "~~~~",
      "  deep",
      "# head",
      "> said",
      "| a | b |",
    );
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
        const text = lines.join("\n");
        const splitter = new BlockSplitter();
        let before: readonly string[] = [];
        let end = 0;
        for (const cut of [...cuts, text.length]) {
          end = Math.min(text.length, end + cut);
          const { closed, open } = splitter.split(text.slice(0, end));
          expect(closed.slice(0, before.length)).toEqual(before);
          expect(closed.join("") + open).toBe(text.slice(0, end));
          before = closed;
        }
        expect(splitter.split(text)).toEqual(whole(text));
      }),
      { seed: 20261125, numRuns: runs(500) },
    );
  });

  test("begins anew when the text is another one", () => {
    const splitter = new BlockSplitter();
    splitter.split("```\nnever closed\n\nthat");
    expect(splitter.split("other\n\ntext\n")).toEqual({ closed: ["other\n\n"], open: "text\n" });
  });
});

test("Markdown that would hold the page or the host for long is shown as it was written", () => {
  expect(["*", "**_a", "> ", "a_"].map((text) => isReadableMarkdown(text.repeat(4_000)))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(isReadableMarkdown("x".repeat(20_001))).toBe(false);
  const item = "- **Item**: `some_name` does _this_ with [a link](http://x.example) and `more_code`\n";
  expect(isReadableMarkdown(item.repeat(150))).toBe(true);
});

test.each([">", "> ", " - ", "1. ", "> - * + 2) "])(
  "Markdown that is nested very deeply by %j is shown as it was written",
  (mark) => {
    expect(isReadableMarkdown(`words\n${mark.repeat(1_500)}x`)).toBe(false);
    expect(isReadableMarkdown(`words\n${mark.repeat(10)}x\n${"- ".repeat(200)}\n`)).toBe(true);
    const begun = processorMs();
    isReadableMarkdown(`${mark.repeat(99)}x`.repeat(100).slice(0, 20_000));
    expect(processorMs() - begun).toBeLessThan(1_000);
  },
);

test("a fence without an end, and code of very many blank lines, are read in little time", () => {
  const begun = processorMs();
  expect(unfinishedCode("~".repeat(200_000))).toBeUndefined();
  const code = `${"\n".repeat(200_000)}x`;
  expect(unfinishedCode(`~~~js\n${code}`)).toEqual({ language: "js", code });
  expect(unfinishedCode(`~~~js\n${code}\n~~~`)).toBeUndefined();
  expect(processorMs() - begun).toBeLessThan(2_000);
});

test("what would steer a terminal or turn the order of a text is shown as a sign", () => {
  expect(visibleText("a\u001b[31mb\u0007\tc\r\nd\u202ee\u009b")).toBe("a\u241b[31mb\u2407\tc\nd\ufffde\ufffd");
});

/** Returns the formulas and the other texts of a Markdown text. */
function textsOf(markdown: string): (string | { tex: string; isBlock: boolean })[] {
  const read = (tokens: readonly MarkdownToken[]): ReturnType<typeof textsOf> =>
    tokens.flatMap((token) => {
      if (token.type === "maths") return [{ tex: token.tex, isBlock: token.isBlock }];
      if (token.type === "escape") return [escapedText(token)];
      if (token.type === "list") return read(token.items.flatMap((item) => item.tokens as MarkdownToken[]));
      if ("tokens" in token && token.tokens) return read(token.tokens as MarkdownToken[]);
      return token.type === "space" ? [] : [token.raw];
    });
  return read(markdownTokens(markdown) as MarkdownToken[]);
}

const short = (tex: string) => ({ tex, isBlock: false });
const long = (tex: string) => ({ tex, isBlock: true });

test.each<[string, ReturnType<typeof textsOf>]>([
  ["so $a_1 \\, b_2$ is", ["so ", short("a_1 \\, b_2"), " is"]],
  ["so \\(a*b*c\\) is", ["so ", short("a*b*c"), " is"]],
  ["$$\na_i = b\n- c\n$$\n", [long("a_i = b\n- c")]],
  ["The sum:\n\\[\n\\sum_{i}\n\\]\nis", ["The sum:", long("\\sum_{i}"), "is"]],
  ["- in a list $x$", ["in a list ", short("x")]],
  ["between $$x$$ and", ["between ", long("x"), " and"]],
])("the formula in %j is read as TeX, and Markdown changes nothing in it", (markdown, expected) => {
  expect(textsOf(markdown)).toEqual(expected);
});

test.each([
  "$5 and $10",
  "from $5 to $6.",
  "US$5 million (or US$7)",
  "a $ b $ c",
  "cost: \\$5 or $6",
  "`$a$`",
  "$a",
  "\\(a",
])("amounts of money, code and what has no end are not formulas: %j", (markdown) => {
  expect(textsOf(markdown).filter((each) => typeof each !== "string")).toEqual([]);
});

test("a backslash that means nothing in Markdown stays, as in \\( and \\,", () => {
  expect(textsOf("C:\\(x\\, \\*no\\* \\$5").join("")).toBe("C:\\(x\\, *no* $5");
});

test.each(["$x ", "\\(", "\\[", "$$", "$$x", "[^a", "[^a]: b\n", "$x$", "\n\\[ "])(
  "Markdown with very many openings of formulas and notes is read in little time: %j",
  (piece) => {
    const markdown = piece.repeat(20_000 / piece.length);
    const begun = processorMs();
    if (isReadableMarkdown(markdown)) markdownTokens(markdown);
    expect(processorMs() - begun).toBeLessThan(1_500);
  },
);

test("a footnote is a mark in the text and a note of its own", () => {
  const tokens = markdownTokens("said[^1] so\n\n[^1]: by *me*\n[^two]: another\n");
  const notes = tokens.filter(({ type }) => type === "note") as { name?: string; tokens?: unknown[] }[];
  expect(notes.map(({ name, tokens: text }) => [name, text?.length])).toEqual([
    ["1", 2],
    ["two", 1],
  ]);
  expect(tokens[0]).toMatchObject({ tokens: [{ raw: "said" }, { type: "note", name: "1" }, { raw: " so" }] });
});

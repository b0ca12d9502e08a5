import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isReadableMarkdown } from "../../src/core/text/readable-markdown.js";
import { BlockSplitter, unfinishedCode } from "../../src/web/markdown/blocks.js";
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

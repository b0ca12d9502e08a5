import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import picocolors from "picocolors";
import stringWidth from "string-width";
import { createRenderer } from "../../src/doors/terminal/markdown-render.js";
import { MarkdownStream, PlainStream } from "../../src/doors/terminal/text-stream.js";
import { markdownToHtml } from "../../src/session/export/html-markdown.js";
import { processorMs } from "../support/processor-time.js";

const render = createRenderer(picocolors.createColors(true));
const newStream = (width = 40) => new MarkdownStream(render, () => width);

/** Returns terminal text with its colour codes as words. */
function spelled(text: string): string {
  const names: Record<string, string> = {
    1: "b",
    2: "dim",
    3: "i",
    4: "u",
    9: "s",
    36: "c",
    22: "/",
    23: "/",
    24: "/",
  };
  return text.replace(/\p{Cc}\[(\d+)m/gu, (_all, code: string) => `<${names[code] ?? "/"}>`);
}

const plain = (text: string) => spelled(text).replace(/<[a-z/]+>/g, "");

function whole(markdown: string, width = 40): string {
  const stream = newStream(width);
  return stream.push(markdown) + stream.end();
}

describe("Markdown on a terminal", () => {
  test.each([
    ["headings", "# One\n\n## Two", "<b><u>One</></>\n\n<b>Two</>\n"],
    ["emphasis", "*a* **b** ~~c~~ `d`", "<i>a</> <b>b</> <s>c</> <c>d</>\n"],
    ["fences, as they are", "```js\nif (a) {\n\n  b *c*\n}\n```", "  <c>if (a) {</>\n\n  <c>  b *c*</>\n  <c>}</>\n"],
    ["links with their target", "[docs](http://x.org)", "<u>docs</> <dim>(http://x.org)</>\n"],
    ["bare links once", "http://x.org", "<u>http://x.org</>\n"],
    ["quotes", "> a\n> b", "<dim>│ </>a\n<dim>│ </>b\n"],
    ["lists", "- a\n- b\n  - c", "<dim>• </>a\n<dim>• </>b\n  <dim>• </>c\n"],
    ["numbers as given", "3. a\n4. b", "<dim>3. </>a\n<dim>4. </>b\n"],
    ["tasks", "- [x] a\n- [ ] b", "<dim>• </>☑ a\n<dim>• </>☐ b\n"],
    ["rules", "a\n\n---\n\nb", `a\n\n<dim>${"─".repeat(40)}</>\n\nb\n`],
    ["line ends within a paragraph", "a\nb", "a\nb\n"],
    ["HTML as it is", "<b>a</b>", "<b>a</b>\n"],
    ["escapes", "\\*a\\*", "*a*\n"],
  ])("shows %s", (_name, markdown, shown) => {
    expect(spelled(whole(markdown))).toBe(shown);
  });

  test("tables have columns, measured in terminal columns", () => {
    expect(plain(whole("|n|名|\n|-:|:-|\n|1|日本|\n|22|x|"))).toBe(" n │ 名  \n───┼─────\n 1 │ 日本\n22 │ x   \n");
  });

  test("text of wide characters and joined emoji is wrapped by the columns it takes", () => {
    for (const word of ["漢字仮名", "👩‍👩‍👧👍🏽", "e\u0301e\u0301e\u0301"]) {
      const lines = plain(whole(Array(12).fill(word).join(" "), 20))
        .trimEnd()
        .split("\n");
      expect(lines.join(" ")).toBe(Array(12).fill(word.normalize()).join(" "));
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(20);
    }
  });

  test("columns of a table stay aligned with emoji and combining marks", () => {
    const lines = plain(whole("|a|b|\n|-|-|\n|👩‍👩‍👧|x|\n|e\u0301|y|\n|漢|z|")).trimEnd().split("\n");
    expect(new Set(lines.map((line) => stringWidth(line.slice(0, line.search(/[│┼]/)))))).toEqual(new Set([3]));
  });

  test("tables that do not fit become records", () => {
    expect(plain(whole("|name|text|\n|-|-|\n|a|long text here|\n|b|more|", 16))).toBe(
      "name: a\ntext: long text\nhere\n\nname: b\ntext: more\n",
    );
  });

  test("long lines of code go on in further rows, which are indented", () => {
    expect(plain(whole("```\n\tconst long = 12 + 30;\nshort\n```", 20))).toBe(
      "      const long\n       = 12 + 30;\n  short\n",
    );
    expect(plain(whole(`\`\`\`\n${"0123456789".repeat(3)}\n\`\`\``, 20))).toBe(
      "  01234567890123\n      45678901234567\n      89\n",
    );
  });

  test("paragraphs and list items are wrapped with their indent", () => {
    expect(plain(whole("- one two three four", 12))).toBe("• one two\n  three four\n");
  });

  test("control sequences of the model have no effect", () => {
    expect(whole("a\u001b]0;title\u0007b\u001b[2J")).toBe("ab\n");
  });
});

describe("a streamed answer", () => {
  test("shows a block for good when it is complete", () => {
    const stream = newStream();
    expect(stream.push("first *par")).toBe("");
    expect(stream.push("agraph*\n")).toBe("");
    expect(stream.push("\n")).toBe("");
    expect(spelled(stream.push("s"))).toBe("first <i>paragraph</>\n");
    expect(stream.push("econd")).toBe("");
    expect(stream.end()).toBe("\nsecond\n");
  });

  test("shows code line by line, blank lines and an empty block or not", () => {
    const stream = newStream();
    expect(plain(stream.push("see:\n```\n"))).toBe("see:\n");
    expect(plain(stream.push("a\n"))).toBe("\n  a\n");
    expect(plain(stream.push("\nb\n"))).toBe("\n  b\n");
    expect(stream.push("```\n~~~\n~~~\n")).toBe("");
    expect(plain(stream.push("end\n\n") + stream.end())).toBe("\nend\n");
  });

  test("shows indented code with the list item that it belongs to", () => {
    const stream = newStream();
    expect(stream.push("- a\n  ```\n  b\n")).toBe("");
    expect(plain(stream.push("  ```\n"))).toBe("• a\n    b\n");
  });

  test("has the rest as a draft: what was pushed but is not complete", () => {
    const stream = newStream(20);
    expect(stream.draft()).toBe("");
    stream.push("one *two* three four fi");
    expect(spelled(stream.draft())).toBe("one <i>two</> three four\nfi");
    stream.push("ve\n\n|a|b|\n|-|-|\n|1|");
    expect(plain(stream.draft())).toBe("\na │ b\n──┼──\n1 │  ");
    stream.push("2|\n\n```js\n");
    expect(stream.draft()).toBe("");
    stream.push("let a");
    expect(spelled(stream.draft())).toBe("\n  <c>let a</>");
    stream.push(" = 1;\n``");
    expect(stream.draft()).toBe("");
    stream.push("`\n");
    expect(stream.draft()).toBe("");
    stream.push("- x");
    expect(plain(stream.draft())).toBe("\n• x");
    stream.end();
    expect(stream.draft()).toBe("");
  });

  test("keeps a list item together with the indented text below a blank line", () => {
    const stream = newStream();
    expect(stream.push("1. a\n\n   more\n\n")).toBe("");
    expect(plain(stream.push("2. b\n"))).toBe("1. a\n\n   more\n");
    expect(plain(stream.end())).toBe("\n2. b\n");
  });

  test("starts afresh after an answer", () => {
    const stream = newStream();
    stream.push("```\nopen");
    stream.end();
    expect(stream.push("a\n\nb")).toBe("a\n");
  });

  test("reads the same however the text is cut", () => {
    const markdown = "# T\n\ntext *em*\n\n- a\n  b\n\n  c\n- d\n\n```js\nx\n\ny\n```\nend\n\n|a|b|\n|-|-|\n|1|2|\n";
    fc.assert(
      fc.property(fc.array(fc.nat(markdown.length), { maxLength: 20 }), (cuts) => {
        const stream = newStream();
        const places = [0, ...cuts.sort((a, b) => a - b), markdown.length];
        const pieces = places.slice(1).map((place, index) => stream.push(markdown.slice(places[index], place)));
        expect(pieces.join("") + stream.end()).toBe(whole(markdown));
      }),
    );
  });

  test("takes linear time, also where the lexer does not", () => {
    const started = processorMs();
    for (const piece of ["> ", "- ", "_a", "a`b", "[", "*", "word "]) {
      const stream = newStream();
      for (let times = 0; times < 20_000; times++) stream.push(piece);
      stream.end();
    }
    expect(processorMs() - started).toBeLessThan(10_000);
  });

  test("is passed through unchanged without colour, but ends with a line end", () => {
    const stream = new PlainStream();
    expect(stream.push("# a\u001b[31m *b*\n\nc")).toBe("# a *b*\n\nc");
    expect(stream.end()).toBe("\n");
    expect(stream.push("d\n") + stream.end()).toBe("d\n");
    expect(stream.end()).toBe("");
  });

  test("does not change the reading order of the text after it", () => {
    for (const stream of [new PlainStream(), newStream()]) {
      expect(stream.push("a \u202eb") + stream.end()).toBe("a \u202eb\u202c\n");
    }
  });
});

test("Markdown that the lexer would read for seconds is shown as it is written, in the terminal and in an export", () => {
  const marks = "*_a".repeat(6_666);
  const started = processorMs();
  expect(render.blocks(marks, 80)).toBe(marks);
  expect(markdownToHtml(marks)).toBe(`<pre>${marks}</pre>`);
  expect(processorMs() - started).toBeLessThan(500);
});

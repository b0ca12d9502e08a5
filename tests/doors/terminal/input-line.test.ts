import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { InputHistory } from "../../../src/doors/terminal/editor/input-history.js";
import { InputLine } from "../../../src/doors/terminal/editor/input-line.js";
import { processorMs } from "../../support/processor-time.js";

/** Types keys: names in angle brackets are keys, everything else is text. */
function type(line: InputLine, keys: string): InputLine {
  for (const [part] of keys.matchAll(/<[a-z-]+>|[^<]+/g)) {
    line.press(part.startsWith("<") ? { type: "key", name: part.slice(1, -1) } : { type: "text", text: part });
  }
  return line;
}

/** Returns the text with `|` for the cursor. */
function shown({ buffer: { text, cursor } }: InputLine): string {
  return `${text.slice(0, cursor)}|${text.slice(cursor)}`;
}

describe("a line that is being typed", () => {
  test.each([
    ["moves by characters", "ab<left>x<right>y", "axby|"],
    ["takes an emoji for one character", "a👩‍👩‍👧b<left><left>x", "ax|👩‍👩‍👧b"],
    ["erases a letter with its marks", "ae\u0301<backspace>", "a|"],
    ["moves by words", "one two-three<alt-b><alt-b>x<alt-f>y", "one xtwoy|-three"],
    ["erases what spaces part, and brings it back", "one two-three <ctrl-w><ctrl-a><ctrl-y>", "two-three |one "],
    ["ends and begins at its own line", "one<enter>two<ctrl-a>x<ctrl-e>y", "one\nxtwoy|"],
    ["erases to the start and the end of its line", "one<enter>two three<alt-b><ctrl-k><ctrl-u>", "one\n|"],
    ["goes up to the line above and down again", "longer<enter>two<up>x<down>y", "lonxger\ntwoy|"],
    ["erases the next character", "abc<home><delete><ctrl-d>", "|c"],
    ["takes no key that it does not know", "a<pageup><insert>b", "ab|"],
  ])("%s", (_what, keys, expected) => {
    expect(shown(type(new InputLine([]), keys))).toBe(expected);
  });

  test("brings back earlier input, and the line that was begun", () => {
    const line = new InputLine(["one", "two\nlines"]);
    expect(shown(type(line, "begun<up>"))).toBe("two\nlines|");
    expect(shown(type(line, "<up><up>"))).toBe("one|");
    expect(shown(type(line, "<up>"))).toBe("one|");
    expect(shown(type(line, "<down><down>"))).toBe("begun|");
  });

  test("can be searched in the history by a part of it, older with each Ctrl-R", () => {
    const line = new InputLine(["list files", "count", "list users"]);
    expect(shown(type(line, "begun<ctrl-r>list"))).toBe("list| users");
    expect(line.searchLabel).toBe("(search: list) ");
    expect(shown(type(line, "<ctrl-r><ctrl-r>"))).toBe("list| files");
    type(line, " x");
    expect(line.searchLabel).toBe("(not found: list x) ");
    expect(shown(type(line, "<ctrl-g>"))).toBe("begun|");
    expect(shown(type(line, "<ctrl-r>cou<ctrl-e>!"))).toBe("count!|");
    expect(line.searchLabel).toBeUndefined();
  });
});

describe("the history", () => {
  const folder = mkdtempSync(join(tmpdir(), "history-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (name: string) => join(folder, name, "history.jsonl");

  test("lasts into the next chat, with line ends, and only its user can read it", () => {
    const file = fileOf("kept");
    const first = new InputHistory(file);
    for (const entry of ["one", "two\nlines", "two\nlines", " secret", "  "]) first.add(entry);
    expect(new InputHistory(file).entries).toEqual(["one", "two\nlines"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "kept")).mode & 0o777).toBe(0o700);
  });

  test("is bounded: a file that has grown is cut, a huge entry is not stored", () => {
    const file = fileOf("bounded");
    new InputHistory(file).add("x");
    writeFileSync(file, Array.from({ length: 2500 }, (_, number) => `"${number}"\n`).join(""));
    const history = new InputHistory(file);
    expect(history.entries).toHaveLength(1000);
    expect(history.entries.at(-1)).toBe("2499");
    history.add("y".repeat(20_000));
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(1001);
  });

  test("survives a line that was half written, and a folder that cannot be written", () => {
    const file = fileOf("broken");
    new InputHistory(file).add("one");
    writeFileSync(file, '"one"\n"tw\n3\n"four"\n');
    expect(new InputHistory(file).entries).toEqual(["one", "four"]);
    const nowhere = new InputHistory("/dev/null/history.jsonl");
    nowhere.add("kept for now");
    expect(nowhere.entries).toEqual(["kept for now"]);
  });
});

test("a long word takes linear time", () => {
  const line = new InputLine([]);
  line.buffer.set(`${"a".repeat(1_000_000)} b`);
  const begun = processorMs();
  expect(shown(type(line, "<ctrl-w><ctrl-w>"))).toBe("|");
  line.buffer.set(`${"a".repeat(1_000_000)} b`);
  type(line, "<alt-b><alt-b>");
  expect(line.buffer.cursor).toBe(0);
  expect(processorMs() - begun).toBeLessThan(5_000);
});

test("words of letters outside the first plane of Unicode are words", () => {
  expect(shown(type(new InputLine([]), "a 𝒳𝒴<alt-b>"))).toBe("a |𝒳𝒴");
});

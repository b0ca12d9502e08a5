import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import picocolors from "picocolors";
import stringWidth from "string-width";
import { bottomOf, echoOf } from "../../../src/doors/terminal/editor/bottom.js";
import { BottomArea } from "../../../src/doors/terminal/editor/bottom-area.js";
import { layOut, windowOf } from "../../../src/doors/terminal/editor/layout.js";
import { processorMs } from "../../support/processor-time.js";

const plain = { dim: picocolors.createColors(false).dim };

describe("a text that is being typed", () => {
  test("is wrapped before the last column, behind its prompt", () => {
    expect(layOut("abcdefgh", 8, { prompt: "> ", columns: 8 })).toEqual({
      rows: ["> abcde", "  fgh"],
      cursor: { row: 1, column: 5 },
    });
  });

  test("keeps its lines, and the cursor in the one it stands in", () => {
    const { rows, cursor } = layOut("one\ntwo\n", 5, { prompt: "> ", columns: 20 });
    expect(rows).toEqual(["> one", "  two", "  "]);
    expect(cursor).toEqual({ row: 1, column: 3 });
  });

  test.each([
    ["wide characters", "漢字仮名交じり文"],
    ["joined emoji", "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧"],
    ["flags", "🇩🇪🇫🇷🇮🇹🇪🇸🇵🇱🇸🇪"],
    ["combining marks", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301"],
  ])("of %s is cut between characters, and no row is too wide", (_what, text) => {
    const { rows, cursor } = layOut(text, text.length, { prompt: "> ", columns: 10 });
    expect(rows.map((row) => row.slice(2)).join("")).toBe(text);
    for (const row of rows) expect(stringWidth(row)).toBeLessThan(10);
    expect(cursor).toEqual({ row: rows.length - 1, column: stringWidth(rows.at(-1) ?? "") });
  });

  test("is shown around the cursor where there are more rows than fit", () => {
    const rows = ["1", "2", "3", "4", "5"];
    expect(windowOf({ rows, cursor: { row: 4, column: 0 } }, 2)).toEqual({
      rows: ["4", "5"],
      cursor: { row: 1, column: 0 },
    });
    expect(windowOf({ rows, cursor: { row: 0, column: 1 } }, 2)).toEqual({
      rows: ["1", "2"],
      cursor: { row: 0, column: 1 },
    });
  });
});

test("the bottom of the screen has the running work, the queue, the input and the facts, none wider than the terminal", () => {
  const input = { text: "漢字", cursor: 2 };
  const queued = ["first", "\u001b]0;title\u0007second", "third", "fourth", "fifth"];
  const bottom = { below: ["⠋ thinking"], queued, input, label: "> ", facts: "モデル名 · 3 servers ready" };
  const area = bottomOf(bottom, { columns: 16, height: 20, ...plain });
  expect(area?.rows).toEqual([
    "⠋ thinking",
    "queued: first",
    "queued: second",
    "queued: third",
    "queued: 2 more",
    "> 漢字",
    "モデル名 · 3 s…",
  ]);
  expect(area?.cursor).toEqual({ row: 5, column: 6 });
});

test("where the terminal is too low for all rows, the end of the text that is written stays, and the whole input", () => {
  const bottom = { below: ["1", "2", "3", "status"], queued: ["q"], input: { text: "a\nb", cursor: 3 }, label: "> " };
  const rowsAt = (height: number) => bottomOf(bottom, { columns: 16, height, ...plain })?.rows;
  expect(rowsAt(8)).toEqual(["1", "2", "3", "status", "queued: q", "> a", "  b"]);
  expect(rowsAt(6)).toEqual(["3", "status", "queued: q", "> a", "  b"]);
  expect(rowsAt(3)).toEqual(["status", "queued: q", "  b"]);
});

describe("the area at the bottom", () => {
  function open(columns = 20) {
    const output = new PassThrough() as PassThrough & { columns: number };
    output.columns = columns;
    const area = new BottomArea(output);
    return {
      area,
      output,
      written: () => (output.readableLength > 0 ? String(output.read(output.readableLength)) : ""),
    };
  }
  const rows = (...lines: string[]) => ({
    rows: lines,
    cursor: { row: lines.length - 1, column: (lines.at(-1) ?? "").length },
  });

  test("is wiped for output and painted again below it", () => {
    const { area, written } = open();
    area.show(rows("status", "> typed"));
    area.print("output\n");
    expect(written()).toBe("status\n> typed\r\u001b[1A\u001b[Joutput\nstatus\n> typed");
  });

  test("is painted again from its first changed row on", () => {
    const { area, written } = open();
    area.show(rows("one", "two", "status"));
    written();
    area.show(rows("one", "two and", "three", "status"));
    expect(written()).toBe("\r\u001b[1A\u001b[Jtwo and\nthree\nstatus");
    area.show(rows("one", "two and"));
    expect(written()).toBe("\r\u001b[2A\u001b[Jtwo and");
  });

  test("begins on a line of its own", () => {
    const { area, written } = open();
    area.print("half a line");
    area.show(rows("> "));
    expect(written()).toBe("half a line\n> ");
  });

  test("gets what is typed at its end without being painted again", () => {
    const { area, written } = open();
    area.show(rows("> a"));
    area.show(rows("> ab"));
    area.keep(["> ab"]);
    expect(written()).toBe("> ab\n\u001b[J");
  });

  test("is wiped whole when the terminal has become narrower and shows it on more rows", () => {
    const { area, output, written } = open(20);
    area.show(rows("0123456789abcde", "> 0123456789ab"));
    written();
    output.columns = 10;
    area.show(undefined);
    expect(written()).toBe("\r\u001b[3A\u001b[J");
  });
});

describe("a text of ten million characters", () => {
  const text = "words of some length ".repeat(500_000);
  const place = { columns: 40, height: 20, ...plain };

  test("takes time for its shown rows only, wherever the cursor is, and none of those is too wide", () => {
    const begun = processorMs();
    for (const cursor of [0, 1, 5_000_001, text.length]) {
      const area = bottomOf({ below: [], queued: [], input: { text, cursor }, label: "> " }, place);
      expect(area?.rows).toHaveLength(12);
      for (const row of area?.rows ?? []) expect(stringWidth(row)).toBeLessThan(40);
    }
    const echo = echoOf(text, { label: "> ", columns: 40, ...plain });
    expect(echo).toHaveLength(41);
    expect(processorMs() - begun).toBeLessThan(5_000);
  });

  test("is shown up to the cursor at its end", () => {
    const end = `${text}the end`;
    const area = bottomOf({ below: [], queued: [], input: { text: end, cursor: end.length }, label: "> " }, place);
    expect(area?.rows.at(-1)).toMatch(/the end$/);
    expect(area?.cursor).toEqual({ row: 11, column: stringWidth(area?.rows.at(-1) ?? "") });
  });
});

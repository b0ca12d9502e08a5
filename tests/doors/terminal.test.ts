import { describe, expect, test } from "@jest/globals";
import stringWidth from "string-width";
import { inert } from "../../src/core/text/inert.js";
import { lastColumns, oneLine } from "../../src/doors/shared/terminal.js";
import { processorMs } from "../support/processor-time.js";

const esc = "\u001b";

describe("foreign text", () => {
  test.each([
    ["colours", `a${esc}[31;1mred${esc}[0m`, "ared"],
    ["cursor movement", `a${esc}[2Ab${esc}[2Kc`, "abc"],
    ["a window title", `a${esc}]0;owned\u0007b`, "ab"],
    ["a clipboard write ended by ST", `a${esc}]52;c;ZXZpbA==${esc}\\b`, "ab"],
    ["a device string", `a${esc}P1$r${esc}\\b`, "ab"],
    ["a hyperlink", `${esc}]8;;http://evil${esc}\\text${esc}]8;;${esc}\\`, "text"],
    ["a terminal reset", `a${esc}cb`, "ab"],
    ["a bare escape", `a${esc}`, "a"],
    ["eight-bit controls", "a\u009b31mb", "a31mb"],
    ["a carriage return that would overwrite the line", "good\revil", "goodevil"],
    ["Windows line ends", "a\r\nb", "a\nb"],
    ["tabs and line ends, which stay", "a\tb\nc", "a\tb\nc"],
    ["an unterminated string, whose text stays", `a${esc}]0;title\nb`, "a]0;title\nb"],
  ])("is made inert: %s", (_name, text, shown) => {
    expect(inert(text)).toBe(shown);
  });

  test("has no control character left, wherever it is cut", () => {
    const text = `x${esc}[31m${esc}]0;t\u0007${esc}P${esc}\\${esc}(B\u009d\u0000\u007f`;
    for (let cut = 0; cut <= text.length; cut++) {
      expect(inert(text.slice(0, cut)) + inert(text.slice(cut))).not.toMatch(/(?![\n\t])\p{Cc}/u);
    }
  });

  test("with a megabyte of unfinished sequences takes linear time", () => {
    const started = processorMs();
    for (const piece of [`${esc}]`, `${esc}[`, `${esc}]0;x`, `${esc}[1;`, `${esc}P `]) inert(piece.repeat(300_000));
    expect(processorMs() - started).toBeLessThan(5000);
  });
});

describe("one line of it", () => {
  test("has no line ends and fits the columns of the terminal", () => {
    expect(oneLine('{\n  "a": 2,\n  "b": 40\n}', 40)).toBe('{ "a": 2, "b": 40 }');
    expect(oneLine("0123456789", 10)).toBe("0123456789");
    expect(oneLine("0123456789a", 10)).toBe("012345678…");
  });

  test("is measured in columns, not in characters", () => {
    expect(oneLine("日本語日本語", 7)).toBe("日本語…");
    expect(oneLine("👩‍👩‍👧‍👦".repeat(9), 5)).toBe("👩‍👩‍👧‍👦👩‍👩‍👧‍👦…");
    expect(stringWidth(oneLine("e\u0301".repeat(500), 20))).toBe(20);
  });

  test("does not let direction overrides reorder a command", () => {
    expect(oneLine("rm \u202Eelif\u202C", 40)).toBe("rm elif");
  });

  test("may be the last columns of the text", () => {
    expect(lastColumns("one two\nthree", 8)).toBe("wo three");
    expect(lastColumns("日本語", 3)).toBe("語");
  });
});

import type picocolors from "picocolors";
import stringWidth from "string-width";
import { unambiguous } from "../../core/text/inert.js";

export type Colors = ReturnType<typeof picocolors.createColors>;

/**
 * Maximum number of UTF-16 units that are read for each column, so that a very long text takes little work. It is high, because combining
 * marks and joined emoji take many units per column.
 */
const unitsPerColumn = 16;

/** Returns untrusted text as one line of at most `width` columns. A longer text is cut and ends with an ellipsis. */
export function oneLine(text: string, width: number): string {
  const start = text.slice(0, width * unitsPerColumn);
  const line = flat(start).trim();
  if (start.length === text.length && stringWidth(line) <= width) return line;
  return `${take(graphemes(line), width - 1).join("")}…`;
}

/** Returns the last `width` columns of untrusted text, to show the end of a text that is being written. */
export function lastColumns(text: string, width: number): string {
  const end = graphemes(flat(text.slice(-width * unitsPerColumn)));
  return take(end.reverse(), width).reverse().join("");
}

function flat(text: string): string {
  return unambiguous(text).replace(/\s+/gu, " ");
}

function graphemes(text: string): string[] {
  return [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
}

function take(parts: readonly string[], width: number): string[] {
  let used = 0;
  const end = parts.findIndex((part) => {
    used += stringWidth(part);
    return used > width;
  });
  return end < 0 ? [...parts] : parts.slice(0, end);
}

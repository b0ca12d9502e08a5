import type picocolors from "picocolors";
import stringWidth from "string-width";

export type Colors = ReturnType<typeof picocolors.createColors>;

const escapeKey = "\u001b";
const bell = "\u0007";

/**
 * Terminal sequences: CSI, strings (OSC, DCS…) with their terminator, short escapes. A string's payload ends at the next
 * control character, so an unterminated one costs a second look at its text and no more: the whole stays linear.
 */
const sequences = new RegExp(
  `${escapeKey}(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_]\\P{Cc}*(?:${bell}|${escapeKey}\\\\)|[ -/]*[0-Z\\\\^-~])`,
  "gu",
);
const controls = /(?![\n\t])\p{Cc}/gu;
/** Embeddings, overrides and isolates: they can make a command read as another one. */
const bidiControls = /[\u202a-\u202e\u2066-\u2069]/gu;

/** Text of a server or a model, unable to move the cursor, set a title, or write to the clipboard. Line ends become `\n`. */
export function inert(text: string): string {
  return text.replace(sequences, "").replace(controls, "");
}

/** Text that a person decides by: inert, and read in the order in which it was written. */
export function unambiguous(text: string): string {
  return inert(text).replace(bidiControls, "");
}

/** JSON with each character that cannot be seen, or that moves others, as its escape: what is shown is what is meant. */
export function visibleJson(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Bounds the work on a long text of which one line is shown: marks and joined emoji take many units for one column. */
const unitsPerColumn = 16;

/** Foreign text on one line of at most `width` columns, cut with an ellipsis. */
export function oneLine(text: string, width: number): string {
  const start = text.slice(0, width * unitsPerColumn);
  const line = flat(start).trim();
  if (start.length === text.length && stringWidth(line) <= width) return line;
  return `${take(graphemes(line), width - 1).join("")}…`;
}

/** The last columns of foreign text, for a line that shows what is being written. */
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

/** The first graphemes that fit. */
function take(parts: readonly string[], width: number): string[] {
  let used = 0;
  const end = parts.findIndex((part) => {
    used += stringWidth(part);
    return used > width;
  });
  return end < 0 ? [...parts] : parts.slice(0, end);
}

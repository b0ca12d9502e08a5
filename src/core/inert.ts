/** Texts of others, made harmless for the terminal that shows them. */

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

/**
 * Text that a person reads or decides by: inert, and read in the order in which it was written. The model's answer is only `inert`,
 * because languages that are written from right to left need these characters.
 */
export function unambiguous(text: string): string {
  return inert(text).replace(bidiControls, "");
}

/**
 * JSON with each character that cannot be seen, or that moves others, as its escape: what is shown is what is meant. Line ends stand
 * between its texts and stay.
 */
export function visibleJson(json: string): string {
  return json.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** This value as JSON for people and programs alike, see `visibleJson`. `indent`: columns; without it all stands on one line. */
export function toVisibleJson(value: unknown, indent?: number): string {
  return visibleJson(JSON.stringify(value, undefined, indent));
}

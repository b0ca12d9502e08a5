/** Makes foreign texts harmless for the terminal that shows them. */

const escapeKey = "\u001b";
const bell = "\u0007";

/**
 * Terminal sequences: CSI, strings (OSC, DCS…) with their terminator, short escapes. A string's payload ends at the next control character.
 * An unterminated string is therefore scanned at most twice, and the whole search takes linear time.
 */
const sequences = new RegExp(
  `${escapeKey}(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_]\\P{Cc}*(?:${bell}|${escapeKey}\\\\)|[ -/]*[0-Z\\\\^-~])`,
  "gu",
);
const controls = /(?![\n\t])\p{Cc}/gu;
/** Unicode's embeddings, overrides and isolates. They can make a command read as another one. */
const bidiControls = /[\u202a-\u202e\u2066-\u2069]/gu;

/** Removes characters and sequences that could move the cursor, set a title, or write to the clipboard. Line ends become `\n`. */
export function inert(text: string): string {
  return text.replace(sequences, "").replace(controls, "");
}

/**
 * Makes a text inert and removes characters that change its reading order, for texts that people decide by. The model's answer is only
 * `inert`, because right-to-left languages need these characters.
 */
export function unambiguous(text: string): string {
  return inert(text).replace(bidiControls, "");
}

/**
 * Escapes each character of the JSON text that is invisible or moves other characters, so that a person sees the real value. Line breaks
 * between values stay.
 */
export function visibleJson(json: string): string {
  return json.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Formats the value as JSON for people and programs alike; see `visibleJson`. `indent`: columns; undefined: one line. */
export function toVisibleJson(value: unknown, indent?: number): string {
  return visibleJson(JSON.stringify(value, undefined, indent));
}

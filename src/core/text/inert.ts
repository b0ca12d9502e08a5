/** Makes texts from outside harmless for the terminal that shows them. */

const escapeKey = "\u001b";
const bell = "\u0007";

/**
 * Matches terminal sequences: CSI, strings (OSC, DCS…) with their terminator, short escapes. The content of a string ends at the next
 * control character. So a string without a terminator is scanned at most twice, and the whole search takes linear time.
 */
const sequences = new RegExp(
  `${escapeKey}(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_]\\P{Cc}*(?:${bell}|${escapeKey}\\\\)|[ -/]*[0-Z\\\\^-~])`,
  "gu",
);
const controls = /(?![\n\t])\p{Cc}/gu;
/** Unicode's embeddings, overrides and isolates. With these characters, one command can be made to look like another. */
const bidiControls = /[\u202a-\u202e\u2066-\u2069]/gu;

/** Removes characters and sequences that could move the cursor, set a title, or write to the clipboard. Replaces all line ends by `\n`. */
export function inert(text: string): string {
  return text.replace(sequences, "").replace(controls, "");
}

/** The characters that change the reading order, and the line end, which ends their effect. */
const orderChanges = /[\n\u202a-\u202e\u2066-\u2069]/gu;
const embeddings = "\u202a\u202b\u202d\u202e";
const isolates = "\u2066\u2067\u2068";
const endOfEmbedding = "\u202c";
const endOfIsolate = "\u2069";

/**
 * Makes a text inert that arrives in pieces. The text keeps the characters that change its reading order, and `close` ends their effect, so
 * that they do not reorder what follows on the same line.
 */
export class InertText {
  /** Numbers of open embeddings: outside all isolates, then in each open isolate. */
  #open = [0];

  push(piece: string): string {
    const text = inert(piece);
    for (const [character] of text.matchAll(orderChanges)) this.#read(character);
    return text;
  }

  /** Returns the characters that close what the text has opened on its last line, the innermost first. */
  close(): string {
    const closers = this.#open.toReversed().map((count) => endOfEmbedding.repeat(count));
    this.#open = [0];
    return closers.join(endOfIsolate);
  }

  /** Takes constant time for each character, because the text may be hostile. */
  #read(character: string): void {
    const innermost = this.#open.length - 1;
    const count = this.#open[innermost] ?? 0;
    if (character === "\n") this.#open = [0];
    else if (isolates.includes(character)) this.#open.push(0);
    else if (embeddings.includes(character)) this.#open[innermost] = count + 1;
    else if (character === endOfEmbedding) this.#open[innermost] = Math.max(0, count - 1);
    else if (innermost > 0) this.#open.pop();
  }
}

/**
 * Makes a text inert, and removes the characters that change its reading order. Used for texts on which people base decisions. For the
 * model's answers, `InertText` is used, because right-to-left languages need these characters.
 */
export function unambiguous(text: string): string {
  return inert(text).replace(bidiControls, "");
}

/**
 * Escapes the characters of the JSON text that are invisible or move other characters, so that a person sees the real value. Keeps line
 * breaks between values.
 */
export function visibleJson(json: string): string {
  return json.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/**
 * Formats the value as JSON that both people and programs can read; see `visibleJson`. `indent`: number of columns; if undefined, the JSON
 * is on one line.
 */
export function toVisibleJson(value: unknown, indent?: number): string {
  return visibleJson(JSON.stringify(value, undefined, indent));
}

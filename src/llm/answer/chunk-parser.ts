import { asObject, asText, type JsonObject, parseJson } from "../json.js";
import type { AnswerFold, WordPlace } from "../wires/wire.js";

/** V8 copies shorter parts of a text only: a longer part would keep the whole text in memory. */
const MAX_COPIED_LENGTH = 12;
/** Some providers put something new into every chunk: comparing stops after this many. */
const MAX_MISSES = 8;
const MAX_RUN = 256;
/** Characters that JSON escapes: quotation marks, backslashes, and all below the space. */
const ESCAPED = /["\\]|[^ -\uffff]/;
const FIELD = "data: ";
const BLANK = "\n\n";

/**
 * Parser of a stream's chunks. Nearly every chunk equals the one before except for its word. Putting that word into the existing object
 * replaces parsing at a small part of the cost; the object is valid until the next chunk only. A chunk of W3 costs 2.8 µs of processor time
 * in all, and 6.3 µs with `JSON.parse` for each (`npm run bench -- --only W3`, 2026-11-28).
 */
export class ChunkParser {
  readonly #place: WordPlace;
  /** Text on both sides of the word, in the event of the last parsed chunk. */
  #head = "";
  #tail = "";
  #delta: JsonObject | undefined;
  #chunk: JsonObject | undefined;
  #misses = 0;

  constructor(place: WordPlace) {
    this.#place = place;
  }

  /**
   * Takes whole events from `from` on, as long as each equals the last chunk except for its word, and hands over their words as one.
   * Returns where they end. Takes few steps for any number of events: the first burst after a pause finds no compiled code, and a step per
   * word made it twice as expensive.
   */
  takeWords(text: string, from: number, to: Pick<AnswerFold, "pushWords">): number {
    const head = this.#head;
    const tail = this.#tail;
    const start = from + head.length;
    // Not `startsWith`: it took ten times as long (V8 11.3), 0.2 µs of a chunk.
    if (!this.#delta || text.slice(from, start) !== head) return from;
    const end = text.indexOf(tail, start);
    if (end < 0) return from;
    const next = end + tail.length;
    if (text.slice(next, next + head.length) !== head) {
      const word = wordOf(text.slice(start, end));
      if (word === undefined) return from;
      this.#misses = 0;
      to.pushWords?.(word);
      return next;
    }
    const written = text.slice(start, text.lastIndexOf(tail)).split(tail + head, MAX_RUN);
    const { words, count, length } = wordsIn(written);
    if (count === 0) return from;
    this.#misses = 0;
    to.pushWords?.(words);
    return from + length + count * (head.length + tail.length);
  }

  /** True while chunks may still turn out to be alike. */
  get isHopeful(): boolean {
    return this.#misses < MAX_MISSES;
  }

  /** Returns undefined when the text is not a JSON object. */
  parse(text: string): JsonObject | undefined {
    const start = this.#head.length - FIELD.length;
    const end = text.length - (this.#tail.length - BLANK.length);
    if (this.#delta && start <= end) {
      if (this.#head.endsWith(text.slice(0, start)) && this.#tail.startsWith(text.slice(end))) {
        const word = wordOf(text.slice(start, end));
        if (word !== undefined) {
          this.#misses = 0;
          this.#delta[this.#place.key] = word;
          return this.#chunk;
        }
      }
    }
    this.#delta = undefined;
    this.#chunk = asObject(parseJson(text));
    if (this.#misses++ < MAX_MISSES) this.#remember(text, this.#chunk);
    return this.#chunk;
  }

  /** Remembers the text around the word, if it is certain where the word is: the key occurs once, followed by the word unescaped. */
  #remember(text: string, chunk: JsonObject | undefined): void {
    const { key, holder } = this.#place;
    const delta = chunk && holder(chunk);
    const word = asText(delta?.[key]);
    const places = word === undefined ? [] : [...text.matchAll(new RegExp(`"${key}"\\s*:\\s*"`, "g"))];
    const start = (places[0]?.index ?? 0) + (places[0]?.[0].length ?? 0);
    if (places.length !== 1 || !text.startsWith(`${word}"`, start)) return;
    this.#delta = delta;
    this.#head = copyOf(FIELD + text.slice(0, start));
    this.#tail = copyOf(text.slice(start + (word?.length ?? 0)) + BLANK);
  }
}

/** Joins the leading entries that are valid words; `length` is theirs as written. */
function wordsIn(written: readonly string[]): { words: string; count: number; length: number } {
  const joined = written.join("");
  const count = written.length;
  if (!ESCAPED.test(joined)) return { words: joined, count, length: joined.length };
  const words: string[] = [];
  let length = 0;
  for (const one of written) {
    const word = wordOf(one);
    if (word === undefined) break;
    words.push(word);
    length += one.length;
  }
  return { words: words.join(""), count: words.length, length };
}

function wordOf(written: string): string | undefined {
  if (written.length <= MAX_COPIED_LENGTH && !ESCAPED.test(written)) return written;
  return asText(parseJson(`"${written}"`));
}

function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

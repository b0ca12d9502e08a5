import { asObject, asText, type JsonObject, parseJson } from "../json.js";
import type { AnswerFold, WordPlace } from "../wires/wire.js";

/** A longer part of a text is no copy: it would keep all of the text in memory. */
const MAX_COPIED_LENGTH = 12;
/** Some providers put something new into every chunk: no use in comparing them. */
const MAX_MISSES = 8;
/** Events that are looked at together. */
const MAX_RUN = 256;
/** What JSON does not write as it is: quotation marks, backslashes, and all below the space. */
const ESCAPED = /["\\]|[^ -\uffff]/;
/** The lines of an event around its chunk, as most servers write them. */
const FIELD = "data: ";
const BLANK = "\n\n";

/**
 * Parses the chunks of a stream. Nearly all of them are the same text as the one before, but for the word they bring; then
 * putting that word into the object that is already there gives what parsing would, for a small part of its cost. The
 * object is therefore of use until the next chunk only. A chunk of W3 costs 2.8 µs of processor time in all, and 6.3 µs with `JSON.parse`
 * for each (`npm run bench -- --only W3`, 2026-11-28).
 */
export class ChunkParser {
  readonly #place: WordPlace;
  /** Of the last chunk that was parsed, as an event: the text on both sides of its word. */
  #head = "";
  #tail = "";
  /** The object that holds its word, if that is known. */
  #delta: JsonObject | undefined;
  #chunk: JsonObject | undefined;
  #misses = 0;

  constructor(place: WordPlace) {
    this.#place = place;
  }

  /**
   * Takes whole events off a text, from there on, as long as each is the last chunk but for its word, and hands over, as one, what `parse`
   * would be given of them. Returns where they end. However many they are, it takes few steps: the first burst after a while finds no
   * compiled code, and a step for each word made that twice as expensive.
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

  /** Whether it is any use to hand over event by event: chunks may still turn out to be alike. */
  get isHopeful(): boolean {
    return this.#misses < MAX_MISSES;
  }

  /** Undefined when the text is no JSON object. */
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

  /** Only where it is certain which part of the text is the word: the key stands there once, and the word as it is meant. */
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

/** The beginning of what is written where words are, as far as it is words: them together, how many, how long as written. */
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

/** Undefined: it is no text between quotation marks. */
function wordOf(written: string): string | undefined {
  if (written.length <= MAX_COPIED_LENGTH && !ESCAPED.test(written)) return written;
  return asText(parseJson(`"${written}"`));
}

/** What is not part of a larger text. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

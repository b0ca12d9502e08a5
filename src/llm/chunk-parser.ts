import { asObject, asObjects, asText, type JsonObject, parseJson } from "./json.js";

/** Longer words would be slices that keep the whole text they were cut from in memory. */
const MAX_WORD_LENGTH = 12;
/** Some providers put something new into every chunk: no use in comparing them. */
const MAX_MISSES = 8;
/** What JSON does not write as it is: quotation marks, backslashes, and all below the space. */
const ESCAPED = /["\\]|[^ -\uffff]/;
/** The lines of an event around its chunk, as most servers write them. */
const FIELD = "data: ";
const BLANK = "\n\n";
const CONTENT = /"content"\s*:\s*"/g;

/**
 * Parses the chunks of a stream. Nearly all of them are the same text as the one before, but for the word they bring; then
 * putting that word into the object that is already there gives what parsing would, for a small part of its cost. The
 * object is therefore of use until the next chunk only.
 */
export class ChunkParser {
  /** Of the last chunk that was parsed: the text on both sides of its word, and the object that holds the word. */
  #before = "";
  #after = "";
  #delta: JsonObject | undefined;
  #chunk: JsonObject | undefined;
  #misses = 0;

  /**
   * Takes whole events off a text, from there on, as long as each is `data: ` and the last chunk but for its word: what `parse` would be
   * given of them, without cutting the text into lines first. Returns where they end.
   */
  takeWords(text: string, from: number, onWord: (word: string, chunk: JsonObject) => void): number {
    let at = from;
    while (this.#delta && this.#chunk && text.startsWith(FIELD, at)) {
      const start = at + FIELD.length + this.#before.length;
      if (text.slice(at + FIELD.length, start) !== this.#before) break;
      const wordEnd = text.indexOf('"', start);
      const end = wordEnd + this.#after.length;
      if (wordEnd < 0 || wordEnd - start > MAX_WORD_LENGTH) break;
      if (text.slice(wordEnd, end) !== this.#after || !text.startsWith(BLANK, end)) break;
      const word = text.slice(start, wordEnd);
      if (ESCAPED.test(word)) break;
      this.#misses = 0;
      this.#delta.content = word;
      at = end + BLANK.length;
      onWord(word, this.#chunk);
    }
    return at;
  }

  /** Whether it is any use to hand over event by event: chunks may still turn out to be alike. */
  get isHopeful(): boolean {
    return this.#misses < MAX_MISSES;
  }

  /** Undefined when the text is no JSON object. */
  parse(text: string): JsonObject | undefined {
    const wordLength = text.length - this.#before.length - this.#after.length;
    if (this.#delta && wordLength >= 0 && wordLength <= MAX_WORD_LENGTH) {
      if (text.startsWith(this.#before) && text.endsWith(this.#after)) {
        const word = text.slice(this.#before.length, text.length - this.#after.length);
        if (!ESCAPED.test(word)) {
          this.#misses = 0;
          this.#delta.content = word;
          return this.#chunk;
        }
      }
    }
    this.#delta = undefined;
    this.#chunk = asObject(parseJson(text));
    if (this.#misses++ < MAX_MISSES) this.#remember(text, this.#chunk);
    return this.#chunk;
  }

  /** Only where it is certain which part of the text is the word: the one `"content"` there is, written as it is meant. */
  #remember(text: string, chunk: JsonObject | undefined): void {
    const delta = asObject(asObjects(chunk?.choices)[0]?.delta);
    const word = asText(delta?.content);
    const places = word === undefined ? [] : [...text.matchAll(CONTENT)];
    const start = (places[0]?.index ?? 0) + (places[0]?.[0].length ?? 0);
    if (places.length !== 1 || !text.startsWith(`${word}"`, start)) return;
    this.#delta = delta;
    this.#before = copyOf(text.slice(0, start));
    this.#after = copyOf(text.slice(start + (word?.length ?? 0)));
  }
}

/** What is not part of a larger text. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

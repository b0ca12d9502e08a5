import { asText, type JsonObject, parseJson } from "../../core/json.js";
import type { AnswerFold, TextPosition } from "../wires/wire.js";

/** Length up to which V8 copies a substring. A longer substring is a reference that keeps the whole original text in memory. */
const maxCopiedLength = 12;
/** Comparing stops after this many events in a row without a match: with some providers, every event has something new besides its text. */
const maxMisses = 8;
const maxRun = 256;
/** Characters that JSON escapes: quotation marks, backslashes, and all below the space. */
const escaped = /["\\]|[^ -\uffff]/;

/**
 * Detects events of a stream that equal the previous event except for the piece of answer text (the "word") that they carry, as nearly all
 * events do. Such an event needs no parser. Whole events are compared as text, including field names and line ends, so that the same code
 * serves every wire. If `JSON.parse` runs for each event instead, benchmark W3 (one fast stream) takes 2.2 times the processor time on Chat
 * Completions, 1.5 on Responses, 1.6 on Messages and 2.4 on Gemini (builds before and after, 2026-11-28). `npm run bench -- --only W3 --to
 * ours --wires responses,messages,gemini` measures the wires.
 */
export class AlikeEvents {
  readonly #position: TextPosition;
  readonly #counter: RegExp | undefined;
  /** Text of the last event, before its piece of answer text and after it. Both are empty if that event is not remembered. */
  #head = "";
  #tail = "";
  #misses = 0;

  constructor(position: TextPosition) {
    this.#position = position;
    if (position.counter) this.#counter = new RegExp(`"${position.counter}":\\d+`, "g");
  }

  /** False after too many events in a row without a match: comparing further events would then cost more than it saves. */
  get isHopeful(): boolean {
    return this.#misses < maxMisses;
  }

  /**
   * Replaces the digits of event counters by zeros, so that events do not differ by their counters. The length stays the same. Answer text
   * is never changed: inside answer text, the quotation marks around a counter's key would be escaped.
   */
  comparable(text: string): string {
    const { counter } = this.#position;
    return this.#counter ? text.replace(this.#counter, (found) => `"${counter}":`.padEnd(found.length, "0")) : text;
  }

  /**
   * Takes whole events from a comparable text, starting at `from`, as long as each event equals the remembered one except for its piece of
   * answer text. Passes all these pieces to `to` as one text. Returns the position where these events end. The number of steps does not
   * depend on the number of events: the first burst after a pause runs code that V8 has not compiled yet, where one step per piece took
   * twice as long.
   */
  takeTexts(read: string, from: number, to: Pick<AnswerFold, "pushText">): number {
    const head = this.#head;
    const tail = this.#tail;
    const start = from + head.length;
    // `startsWith` is not used, because it takes ten times as long (V8 11.3): 0.2 µs more for each chunk.
    if (head === "" || read.slice(from, start) !== head) return from;
    const end = read.indexOf(tail, start);
    if (end < 0) return from;
    const next = end + tail.length;
    if (read.slice(next, next + head.length) !== head) {
      const word = wordOf(read.slice(start, end));
      if (word === undefined) return from;
      this.#misses = 0;
      to.pushText(word);
      return next;
    }
    const written = read.slice(start, read.lastIndexOf(tail)).split(tail + head, maxRun);
    const { text, count, length } = joinedTexts(written);
    if (count === 0) return from;
    this.#misses = 0;
    to.pushText(text);
    return from + length + count * (head.length + tail.length);
  }

  forget(): void {
    this.#head = "";
  }

  /**
   * Remembers the event's text before and after its piece of answer text, so that the next event can be compared with it. Does nothing if
   * the position of that piece is uncertain: if the event has escaped characters, or if the piece's key occurs more than once. `message`: the
   * parsed event.
   */
  remember(event: string, message: JsonObject): void {
    this.#misses++;
    const { key, holder } = this.#position;
    const word = asText(holder(message)?.[key]);
    const [found, ...others] = event.matchAll(new RegExp(`"${key}"\\s*:\\s*"`, "g"));
    if (word === undefined || !found || others.length > 0 || event.includes("\\")) return;
    const start = found.index + found[0].length;
    const end = start + word.length;
    if (event.slice(start, end + 1) !== `${word}"`) return;
    this.#head = copyOf(event.slice(0, start));
    this.#tail = copyOf(event.slice(end));
  }
}

/**
 * Joins the entries up to the first that could not stand between the quotes of a JSON string. Returns the unescaped text, the number of
 * entries joined, and their total length before unescaping.
 */
function joinedTexts(written: readonly string[]): { text: string; count: number; length: number } {
  const joined = written.join("");
  const count = written.length;
  if (!escaped.test(joined)) return { text: joined, count, length: joined.length };
  const words: string[] = [];
  let length = 0;
  for (const one of written) {
    const word = wordOf(one);
    if (word === undefined) break;
    words.push(word);
    length += one.length;
  }
  return { text: words.join(""), count: words.length, length };
}

/** Returns the unescaped text. Returns undefined if `written` could not stand between the quotes of a JSON string. */
function wordOf(written: string): string | undefined {
  if (written.length <= maxCopiedLength && !escaped.test(written)) return written;
  const word = parseJson(`"${written}"`);
  return typeof word === "string" ? word : undefined;
}

/** Copies a text, so that the larger text it is part of can be freed. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

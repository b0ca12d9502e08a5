import { StringDecoder } from "node:string_decoder";
import { asObject, type JsonObject, parseJson } from "../json.js";
import type { AnswerFold, WordPlace } from "../wires/wire.js";
import { AlikeEvents } from "./alike-events.js";
import { SseReader } from "./sse.js";

export type BodyFault = "html" | "malformed" | "too_large" | "cut";

/** In characters. A stream spends some 300 of them on a token, so the longest answers need tens of millions. */
const MAX_DOCUMENT_LENGTH = 32 * 1024 * 1024;
const MAX_STREAM_LENGTH = 256 * 1024 * 1024;

/** Start of an event stream; a piece may end inside the word. */
const EVENT_LINE = /^(:|(data|event|id|retry|error)(:|$)|\w{1,4}$)/;
/** The blank line after an event. */
const BLANK_LINE = /\n\r?\n/g;
/** Some servers append this line to a document as well. */
const DONE_LINE = /\s*data:\s*\[DONE\]\s*$/i;

/**
 * The JSON messages of a response body: the events of a stream, or one document. The first character tells which; the requested format and
 * the content type are both wrong too often.
 */
export class MessageReader {
  readonly #onMessage: (message: JsonObject, event: string | undefined) => boolean;
  readonly #fold: Pick<AnswerFold, "pushWords">;
  readonly #place: WordPlace;
  /** Set from the first piece that ends with a byte beyond ASCII. */
  #decoder: StringDecoder | undefined;
  #alike: AlikeEvents | undefined;
  /** Set for event streams only. Dropped while events need no parser, since it takes a kilobyte. */
  #sse: SseReader | undefined;
  #messageCount = 0;
  /** The last message, if it was nothing but words. */
  #wordMessage: JsonObject | undefined;
  /** True if the next text is known to start with a new event. */
  #isBetween = false;
  #document: string[] | undefined;
  #started = false;
  #length = 0;
  #fault: BodyFault | undefined;
  #plainText = "";
  /** True if the server sent `[DONE]` and nothing before it was broken. */
  isDone = false;

  /**
   * `onMessage` returns true if the message was nothing but words of the answer. The words of later messages that are otherwise the same go
   * to `fold` only. `place`: where a message holds its words.
   */
  constructor(
    onMessage: (message: JsonObject, event: string | undefined) => boolean,
    fold: Pick<AnswerFold, "pushWords">,
    place: WordPlace,
  ) {
    this.#onMessage = onMessage;
    this.#fold = fold;
    this.#place = place;
  }

  get isDocument(): boolean {
    return this.#document !== undefined;
  }

  get plainText(): string {
    return this.#plainText;
  }

  feed(chunk: Buffer): BodyFault | undefined {
    if ((chunk[chunk.length - 1] ?? 0) > 0x7f) this.#decoder ??= new StringDecoder();
    const text = this.#decoder?.write(chunk) ?? chunk.toString();
    return this.#feed(this.#length === 0 && text.startsWith("\ufeff") ? text.slice(1) : text);
  }

  /** Ends the body, clean or not: what is left in the buffers counts as well. */
  end(): BodyFault | undefined {
    this.#feed(this.#decoder?.end() ?? "");
    if (!this.#document) {
      const earlier = this.#fault;
      this.#sse?.end();
      return earlier ?? (this.#fault && "cut");
    }
    const parsed = parseJson(this.#document.join("").replace(DONE_LINE, ""));
    const message = asObject(Array.isArray(parsed) ? parsed[0] : parsed);
    if (!message) return "cut";
    this.#onMessage(message, undefined);
    return this.#fault;
  }

  #feed(text: string): BodyFault | undefined {
    this.#length += text.length;
    if (this.#length > (this.#document ? MAX_DOCUMENT_LENGTH : MAX_STREAM_LENGTH)) return "too_large";
    if (!this.#started) {
      const first = text.trimStart()[0];
      if (first === undefined) return undefined;
      this.#started = true;
      if (first === "<") return "html";
      if (first === "{" || first === "[") this.#document = [];
      else if (!EVENT_LINE.test(text.trimStart())) this.#plainText = text;
    }
    if (this.#document) this.#document.push(text);
    else if (!this.#feedEvents(text)) return "too_large";
    return this.#fault;
  }

  /** Takes event by event while they may be alike, so that most of them need no parser. */
  #feedEvents(text: string): boolean {
    this.#alike ??= new AlikeEvents(this.#place);
    if (!this.#alike.isHopeful) return this.#parseEvents(text);
    const compared = this.#alike.comparable(text);
    let at = this.#takeWords(compared, 0);
    while (at < text.length && this.#alike.isHopeful) {
      const end = endOfEvent(text, at);
      if (end < 0) break;
      const before = this.#messageCount;
      if (!this.#parseEvents(text.slice(at, end))) return false;
      // The rest of an event that an earlier piece began is not compared with, nor are two messages at once.
      const isSingle = this.#isBetween && this.#messageCount === before + 1;
      if (isSingle && this.#wordMessage) this.#alike.remember(compared.slice(at, end), this.#wordMessage);
      this.#isBetween = true;
      at = this.#takeWords(compared, end);
    }
    if (at === text.length) return true;
    this.#isBetween = false;
    return this.#parseEvents(text.slice(at));
  }

  /** Takes words from `from` on, if an event begins there that is like the last one. Returns where they end. */
  #takeWords(compared: string, from: number): number {
    if (!this.#isBetween || this.isDone || this.#fault) return from;
    const end = this.#alike?.takeWords(compared, from, this.#fold) ?? from;
    if (end > from) this.#sse = undefined;
    return end;
  }

  #parseEvents(text: string): boolean {
    this.#sse ??= new SseReader((data, event) => this.#onEvent(data, event));
    return this.#sse.feed(text);
  }

  #onEvent(data: string, event: string | undefined): void {
    const text = data.trim();
    const whole = asObject(parseJson(text));
    if (whole) this.#take(whole, event);
    // The server left out the blank lines, so each line is an event.
    else if (text.includes("\n")) for (const line of text.split("\n")) this.#takeLine(line.trim(), event);
    else this.#takeLine(text, event);
  }

  #takeLine(text: string, event: string | undefined): void {
    if (/^"?\[DONE\]"?$/i.test(text)) this.isDone = this.#fault === undefined;
    // `data: ping` and `data: null` occur between chunks. Half a chunk is a fault: leaving it out would falsify the answer.
    else if (text.startsWith("{")) {
      const message = asObject(parseJson(text));
      if (message) this.#take(message, event);
      else if (!this.isDone) this.#fault = "malformed";
    } else if (event === "error") this.#take({ message: text }, event);
  }

  #take(message: JsonObject, event: string | undefined): void {
    if (this.isDone || this.#fault) return;
    this.#messageCount++;
    this.#wordMessage = this.#onMessage(message, event) ? message : undefined;
    this.#alike?.forget();
  }
}

/** Returns the end of the event at `from`, after its blank line, or -1 if the text ends earlier. */
function endOfEvent(text: string, from: number): number {
  BLANK_LINE.lastIndex = from;
  return BLANK_LINE.test(text) ? BLANK_LINE.lastIndex : -1;
}

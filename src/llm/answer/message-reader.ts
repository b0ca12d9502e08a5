import { StringDecoder } from "node:string_decoder";
import { asObject, hasTooManyValues, isWritable, type JsonObject, parseJson } from "../../core/json.js";
import type { AnswerFold, TextPosition } from "../wires/wire.js";
import { AlikeEvents } from "./alike-events.js";
import { SseReader } from "./sse.js";

export type BodyFault = "html" | "malformed" | "too_large" | "too_deep" | "cut";

/** Limits of a body, in characters. A stream takes some 300 characters per token, so the longest answers need tens of millions. */
const maxDocumentLength = 32 * 1024 * 1024;
const maxStreamLength = 256 * 1024 * 1024;

/** Length up to which a message needs no look at its nesting: a shorter text cannot be nested deeper than `isWritable` allows. */
const neverTooDeep = 1_000;

/** Matches the start of an event stream, even if the first piece ends in the middle of a field's name. */
const eventLine = /^(:|(data|event|id|retry|error)(:|$)|\w{1,4}$)/;
/** The blank line after an event. */
const blankLine = /\n\r?\n/g;
/** Matches the line that ends an event stream. Some servers also append it to a body that is one JSON document. */
const doneLine = /data:\s*\[DONE\]\s*$/i;

/**
 * Reads the JSON messages of a response body, which is either an event stream or one document. The first character tells which of the two
 * it is: the server may not send the requested format, and its content type may be wrong.
 */
export class MessageReader {
  readonly #onMessage: (message: JsonObject, event: string | undefined) => boolean;
  readonly #fold: Pick<AnswerFold, "pushText">;
  readonly #position: TextPosition;
  /** Set once a piece has ended with a byte beyond ASCII, because that byte may be only a part of a character. */
  #decoder: StringDecoder | undefined;
  #alike: AlikeEvents | undefined;
  /** The parser of an event stream. Undefined as long as events need no parser, since a parser takes a kilobyte of memory. */
  #sse: SseReader | undefined;
  #messageCount = 0;
  /** The last message, if that message held nothing but text of the answer. */
  #wordMessage: JsonObject | undefined;
  /** True if the text that comes next is known to start with a new event. */
  #isBetween = false;
  #document: string[] | undefined;
  #started = false;
  #length = 0;
  #fault: BodyFault | undefined;
  #plainText = "";
  /** True if the server sent `[DONE]`, and everything before it was valid. */
  isDone = false;

  /**
   * `onMessage` returns true if the message held nothing but text of the answer. Later messages that differ from it only in this text are
   * not passed to `onMessage`; their text goes straight to `fold`. `position`: the key and object that hold the text in a message.
   */
  constructor(
    onMessage: (message: JsonObject, event: string | undefined) => boolean,
    fold: Pick<AnswerFold, "pushText">,
    position: TextPosition,
  ) {
    this.#onMessage = onMessage;
    this.#fold = fold;
    this.#position = position;
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

  /** Ends the body, whether it ended cleanly or not. Processes what is left in the buffers. */
  end(): BodyFault | undefined {
    this.#feed(this.#decoder?.end() ?? "");
    if (!this.#document) {
      const earlier = this.#fault;
      this.#sse?.end();
      return earlier ?? (this.#fault && "cut");
    }
    const text = this.#document.join("").replace(doneLine, "");
    const parsed = parseJson(text);
    const message = asObject(Array.isArray(parsed) ? parsed[0] : parsed);
    if (!message) return hasTooManyValues(text) ? "too_large" : "cut";
    if (isTooDeep(message, text)) return "too_deep";
    this.#onMessage(message, undefined);
    return this.#fault;
  }

  #feed(text: string): BodyFault | undefined {
    this.#length += text.length;
    if (this.#length > (this.#document ? maxDocumentLength : maxStreamLength)) return "too_large";
    if (!this.#started) {
      const first = text.trimStart()[0];
      if (first === undefined) return undefined;
      this.#started = true;
      if (first === "<") return "html";
      if (first === "{" || first === "[") this.#document = [];
      else if (!eventLine.test(text.trimStart())) this.#plainText = text;
    }
    if (this.#document) this.#document.push(text);
    else if (!this.#feedEvents(text)) return "too_large";
    return this.#fault;
  }

  /**
   * Processes the events one by one as long as `#alike` expects events that differ only in their text. Most of these need no parser.
   * Returns false if an event was too large.
   */
  #feedEvents(text: string): boolean {
    this.#alike ??= new AlikeEvents(this.#position);
    if (!this.#alike.isHopeful) return this.#parseEvents(text);
    const compared = this.#alike.comparable(text);
    let at = this.#takeTexts(compared, 0);
    while (at < text.length && this.#alike.isHopeful) {
      const end = endOfEvent(text, at);
      if (end < 0) break;
      const before = this.#messageCount;
      if (!this.#parseEvents(text.slice(at, end))) return false;
      // An event is remembered for comparison only if this piece contains the whole event, and the event contains exactly one message.
      const isSingle = this.#isBetween && this.#messageCount === before + 1;
      if (isSingle && this.#wordMessage) this.#alike.remember(compared.slice(at, end), this.#wordMessage);
      this.#isBetween = true;
      at = this.#takeTexts(compared, end);
    }
    if (at === text.length) return true;
    this.#isBetween = false;
    return this.#parseEvents(text.slice(at));
  }

  /**
   * Takes events from position `from` on, as long as each equals the previous event except for its text. Returns the position where these
   * events end.
   */
  #takeTexts(compared: string, from: number): number {
    if (!this.#isBetween || this.isDone || this.#fault) return from;
    const end = this.#alike?.takeTexts(compared, from, this.#fold) ?? from;
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
    if (whole) this.#take(whole, event, text);
    else if (!this.isDone && hasTooManyValues(text)) this.#fault = "too_large";
    // The server left out the blank lines, so each line is an event.
    else if (text.includes("\n")) for (const line of text.split("\n")) this.#takeLine(line.trim(), event);
    else this.#takeLine(text, event);
  }

  #takeLine(text: string, event: string | undefined): void {
    if (/^"?\[DONE\]"?$/i.test(text)) this.isDone = this.#fault === undefined;
    // `data: ping` and `data: null` occur between chunks and are skipped. But a chunk that is cut off is a fault: the answer would lack its
    // text.
    else if (text.startsWith("{")) {
      const message = asObject(parseJson(text));
      if (message) this.#take(message, event, text);
      else if (!this.isDone) this.#fault = "malformed";
    } else if (event === "error") this.#take({ message: text }, event, text);
  }

  #take(message: JsonObject, event: string | undefined, text: string): void {
    if (this.isDone || this.#fault) return;
    if (isTooDeep(message, text)) {
      this.#fault = "too_deep";
      return;
    }
    this.#messageCount++;
    this.#wordMessage = this.#onMessage(message, event) ? message : undefined;
    this.#alike?.forget();
  }
}

/** Returns true if the message could not be written as JSON again, as its arguments and the parts that are sent back must be. */
function isTooDeep(message: JsonObject, text: string): boolean {
  return text.length > neverTooDeep && !isWritable(message);
}

/** Returns the end of the event at `from`, after its blank line, or -1 if the text ends earlier. */
function endOfEvent(text: string, from: number): number {
  blankLine.lastIndex = from;
  return blankLine.test(text) ? blankLine.lastIndex : -1;
}

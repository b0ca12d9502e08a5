import { StringDecoder } from "node:string_decoder";
import { asObject, type JsonObject, parseJson } from "../json.js";
import type { AnswerFold, WordPlace } from "../wires/wire.js";
import { ChunkParser } from "./chunk-parser.js";
import { SseReader } from "./sse.js";

/** Why a body is not what it should be. */
export type BodyFault = "html" | "malformed" | "too_large" | "cut";

/** Characters. A stream spends some 300 of them on a token, so that the longest answers need tens of millions. */
const MAX_DOCUMENT_LENGTH = 32 * 1024 * 1024;
const MAX_STREAM_LENGTH = 256 * 1024 * 1024;

/** How a stream of events begins; a piece may end inside the word. */
const EVENT_LINE = /^(:|(data|event|id|retry|error)(:|$)|\w{1,4}$)/;
/** What some servers write behind a document as well. */
const DONE_LINE = /\s*data:\s*\[DONE\]\s*$/i;

/**
 * The JSON messages of a response body: the events of a stream, or one document. Which of them it is shows in its first
 * character; what was asked for and the content type both lie too often.
 */
export class MessageReader {
  readonly #onMessage: (message: JsonObject, event: string | undefined) => boolean;
  readonly #fold: Pick<AnswerFold, "pushWords">;
  readonly #place: WordPlace | undefined;
  /** From the first piece on that ends within a character. */
  #decoder: StringDecoder | undefined;
  /** Of a stream of events; a document has no use for it. */
  #chunks: ChunkParser | undefined;
  /** The same; not kept while events need none, since it takes a kilobyte. */
  #sse: SseReader | undefined;
  /** The last message was words alone. */
  #isWord = false;
  /** Where the next text begins an event begins, as far as is known; unknown once a line ended otherwise than with a line feed. */
  #isBetween = false;
  #hasReturns = false;
  #document: string[] | undefined;
  #started = false;
  #length = 0;
  #fault: BodyFault | undefined;
  #plainText = "";
  /** The server said `[DONE]`, and nothing before it was broken. */
  isDone = false;

  /**
   * `onMessage` must not keep the message: it may become the next one. It returns whether the message was nothing but the words of its
   * answer; of those that follow and are otherwise the same, `fold` gets these. `place`: where words are in a message. Undefined: each
   * message is parsed.
   */
  constructor(
    onMessage: (message: JsonObject, event: string | undefined) => boolean,
    fold: Pick<AnswerFold, "pushWords">,
    place: WordPlace | undefined,
  ) {
    this.#onMessage = onMessage;
    this.#fold = fold;
    this.#place = place;
  }

  get isDocument(): boolean {
    return this.#document !== undefined;
  }

  /** The beginning of a body that is neither events nor JSON. */
  get plainText(): string {
    return this.#plainText;
  }

  feed(chunk: Buffer): BodyFault | undefined {
    if ((chunk[chunk.length - 1] ?? 0) > 0x7f) this.#decoder ??= new StringDecoder();
    const text = this.#decoder?.write(chunk) ?? chunk.toString();
    return this.#feed(this.#length === 0 && text.startsWith("\ufeff") ? text.slice(1) : text);
  }

  /** The body ended, cleanly or not: what is left in the buffers counts as well. */
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

  /** Event by event where chunks are alike, so that most of them need no parser at all. */
  #feedEvents(text: string): boolean {
    if (!this.#place) return this.#parseEvents(text);
    this.#chunks ??= new ChunkParser(this.#place);
    let at = this.#takeWords(text, 0);
    // There is none in what that took.
    if (at < text.length) this.#hasReturns ||= text.includes("\r", at);
    while (at < text.length && !this.#hasReturns && this.#chunks.isHopeful) {
      const end = text.indexOf("\n\n", at) + 2;
      this.#isBetween = end > 1;
      if (!this.#isBetween) break;
      if (!this.#parseEvents(text.slice(at, end))) return false;
      at = this.#takeWords(text, end);
    }
    if (at === text.length) return true;
    this.#isBetween = false;
    return this.#parseEvents(text.slice(at));
  }

  /** From there on, where an event begins and the last one was words. Returns where they end. */
  #takeWords(text: string, from: number): number {
    if (!this.#isBetween || !this.#isWord || this.isDone || this.#fault) return from;
    const end = this.#chunks?.takeWords(text, from, this.#fold) ?? from;
    if (end > from) this.#sse = undefined;
    return end;
  }

  #parseEvents(text: string): boolean {
    this.#sse ??= new SseReader((data, event) => this.#onEvent(data, event));
    return this.#sse.feed(text);
  }

  #onEvent(data: string, event: string | undefined): void {
    const text = data.trim();
    const whole = this.#chunks ? this.#chunks.parse(text) : asObject(parseJson(text));
    if (whole) this.#take(whole, event);
    // Lines of which each was meant to be an event, without the blank lines between them.
    else if (text.includes("\n")) for (const line of text.split("\n")) this.#takeLine(line.trim(), event);
    else this.#takeLine(text, event);
  }

  #takeLine(text: string, event: string | undefined): void {
    if (/^"?\[DONE\]"?$/i.test(text)) this.isDone = this.#fault === undefined;
    // `data: ping` and `data: null` are seen between chunks; half a chunk is not, and leaving it out would falsify the answer.
    else if (text.startsWith("{")) {
      const message = asObject(parseJson(text));
      if (message) this.#take(message, event);
      else if (!this.isDone) this.#fault = "malformed";
    } else if (event === "error") this.#take({ message: text }, event);
  }

  #take(message: JsonObject, event: string | undefined): void {
    if (!this.isDone && !this.#fault) this.#isWord = this.#onMessage(message, event);
  }
}

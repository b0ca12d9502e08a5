import { largest } from "../core/lists/long-lists.js";

/** Memory in bytes that a parser of events takes for each line and each piece of a stream, even if the line is `data:x`. */
const costOfString = 64;

/** Two characters that end a line each. `\r\n` is not among them, because it ends one line. */
const blankLines = ["\n\n", "\r\r", "\n\r"];

/** Measures what a parser of server-sent events keeps: the event that has arrived in part. */
export class EventSize {
  #size = 0;
  /** The last character of the stream so far. A blank line may be split between pieces. */
  #last = "";

  /** Adds the next piece of the stream. Returns the size of the event that has not ended: its characters, and the cost of its lines and pieces. */
  add(piece: string): number {
    const text = this.#last + piece;
    const blank = largest(blankLines.map((line) => text.lastIndexOf(line)));
    if (blank >= 0) this.#size = 0;
    const added = blank < 0 ? piece : text.slice(blank + 2);
    const lines = added.match(/\r\n?|\n/g)?.length ?? 0;
    this.#size += added.length + costOfString * (lines + 1);
    this.#last = text.slice(-1);
    return this.#size;
  }
}

/** So many are few enough to be kept apart, and enough that joining them costs nothing. */
const MAX_PIECES = 16;

/**
 * A text that comes in pieces. They are joined now and then: an object for each of them until the end is several times the text, and
 * what survives of every chunk is what keeps the collector busy where many streams run.
 */
export class GrowingText {
  #text = "";
  readonly #pieces: string[] = [];

  push(piece: string): void {
    if (this.#pieces.push(piece) < MAX_PIECES) return;
    this.#text += this.#pieces.join("");
    this.#pieces.length = 0;
  }

  toString(): string {
    return this.#text + this.#pieces.join("");
  }
}

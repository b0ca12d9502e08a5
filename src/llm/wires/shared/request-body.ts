/** Length of one text, in characters. Well below the size from which V8 gives every string memory pages of its own. */
const longestText = 32 * 1024;

/**
 * The JSON of a request, as several texts to be written one after another. One Buffer, which is outside V8's heap, would make V8 collect
 * garbage far too often. One single text costs three times as much.
 */
export class RequestBody {
  readonly #texts: string[] = [];
  #bytes = 0;
  #chars = 0;
  #pieces: string[] = [];
  #open = 0;

  add(piece: string): void {
    if (this.#open + piece.length > longestText) this.#close();
    this.#pieces.push(piece);
    this.#open += piece.length;
  }

  get texts(): readonly string[] {
    this.#close();
    return this.#texts;
  }

  /** Length of the whole body in bytes. */
  get length(): number {
    this.#close();
    return this.#bytes;
  }

  /** Encoding of all texts. `latin1` is faster, and gives the same bytes if all characters are ASCII. */
  get encoding(): "latin1" | "utf8" {
    return this.length === this.#chars ? "latin1" : "utf8";
  }

  toString(): string {
    return this.texts.join("");
  }

  #close(): void {
    if (this.#pieces.length === 0) return;
    const text = this.#pieces.join("");
    this.#texts.push(text);
    this.#bytes += Buffer.byteLength(text);
    this.#chars += text.length;
    this.#pieces = [];
    this.#open = 0;
  }
}

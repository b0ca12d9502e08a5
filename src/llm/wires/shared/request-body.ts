/** In characters. Well below the size from which V8 gives every string pages of its own. */
const longestText = 32 * 1024;

/**
 * JSON on its way to a provider, as texts to be written in turn. As one Buffer, outside V8's heap, it would make V8 collect garbage far too
 * often; a single text costs three times as much.
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

  /** In bytes. */
  get length(): number {
    this.#close();
    return this.#bytes;
  }

  /** Encoding of all texts. `latin1` is faster, and equal if all characters are ASCII. */
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

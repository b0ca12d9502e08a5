/** Characters. Well below the size from which V8 gives every string pages of its own. */
const longestText = 32 * 1024;

/**
 * JSON on its way to a provider, as texts to be written one after the other. Not as one Buffer: memory outside of V8's heap makes it
 * collect garbage far too often where bodies are large, and a single text costs three times as much as these.
 */
export class RequestBody {
  readonly #texts: string[] = [];
  #bytes = 0;
  #chars = 0;
  /** Of the next text. */
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

  /** Bytes. */
  get length(): number {
    this.#close();
    return this.#bytes;
  }

  /** Of all texts. `latin1` is the faster one, and the same where all characters are ASCII. */
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

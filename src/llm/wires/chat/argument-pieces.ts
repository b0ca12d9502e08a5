import { asObject, parseJson } from "../../../core/json.js";

const whiteSpace = /^[ \t\r\n]*$/;

/**
 * The arguments of a call, which arrive in pieces. `whole` may be asked for after each piece: it reads each character once and parses the
 * text once, because joining and parsing all pieces each time would take quadratic time.
 */
export class ArgumentPieces {
  readonly all: string[] = [];
  /** True as long as there is nothing but white space. */
  isBlank = true;
  /** The pieces that were read, as one text. It may be a JSON object only once its braces are `closed`. */
  #text = "";
  #state: "open" | "closed" | "broken" = "open";
  #readCount = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  push(piece: string): void {
    this.all.push(piece);
    this.isBlank &&= piece.trim() === "";
  }

  /** The text so far if it is a whole JSON object, otherwise undefined. */
  get whole(): string | undefined {
    for (const piece of this.all.slice(this.#readCount)) this.#read(piece);
    this.#readCount = this.all.length;
    return this.#state === "closed" ? this.#text : undefined;
  }

  #read(piece: string): void {
    this.#text += piece;
    if (this.#state === "open" && this.#closesIn(piece)) {
      this.#state = asObject(parseJson(this.#text)) ? "closed" : "broken";
    } else if (this.#state === "closed" && !whiteSpace.test(piece)) this.#state = "broken";
  }

  /** Returns true if the first brace of the text is closed in this piece. */
  #closesIn(piece: string): boolean {
    for (const char of piece) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (this.#isInString) {
        this.#isEscaped = char === "\\";
        this.#isInString = char !== '"';
      } else if (char === '"') this.#isInString = true;
      else if (char === "{") this.#depth += 1;
      else if (char === "}" && --this.#depth === 0) return true;
    }
    return false;
  }
}

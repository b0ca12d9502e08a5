import { InertText } from "../../core/text/inert.js";

/** Converts an answer to terminal text while the answer arrives. After `end`, the stream can be used for the next answer. */
export interface TextStream {
  push(delta: string): string;
  /** Ends the answer. Returns the text that was not returned yet, with a line end. */
  end(): string;
  /** Last lines of the text that was pushed but not returned yet, as one line. */
  readonly pending: string;
}

/** Shows Markdown as written, for terminals without colour. */
export class PlainStream implements TextStream {
  readonly pending = "";
  readonly #inert = new InertText();
  #openLine = false;

  push(delta: string): string {
    const text = this.#inert.push(delta);
    if (text !== "") this.#openLine = !text.endsWith("\n");
    return text;
  }

  end(): string {
    const rest = this.#inert.close() + (this.#openLine ? "\n" : "");
    this.#openLine = false;
    return rest;
  }
}

/** Renders complete Markdown blocks as terminal text. `markdown-render.ts` implements this. */
export type RenderBlocks = (markdown: string, width: number) => string;

/**
 * Marker that opens or closes a fenced code block: three or more of one character. A marker with more indentation belongs to a list item
 * and ends no block.
 */
const fence = /^ {0,3}(`{3,}|~{3,})/;

/**
 * Renders Markdown block by block while it arrives. A block is rendered once, when it is complete, so nothing on the screen is repainted. A
 * block ends with its closing fence. It also ends with a blank line, if the text after that line is not indented; indented text would
 * continue a list item.
 */
export class MarkdownStream implements TextStream {
  readonly #render: RenderBlocks;
  readonly #width: () => number;
  readonly #inert = new InertText();
  /** Complete lines of the block that is not rendered yet. */
  #block: string[] = [];
  #lastLine = "";
  #openFence: string | undefined;
  #printed = false;

  constructor(render: RenderBlocks, width: () => number) {
    this.#render = render;
    this.#width = width;
  }

  get pending(): string {
    return `${this.#block.at(-1) ?? ""} ${this.#lastLine}`;
  }

  push(delta: string): string {
    const [rest = "", ...starts] = this.#inert.push(delta).split("\n");
    this.#lastLine += rest;
    let output = this.#beforeLine();
    for (const start of starts) {
      this.#block.push(this.#lastLine);
      if (this.#closesFence(this.#lastLine)) output += this.#flush();
      this.#lastLine = start;
      output += this.#beforeLine();
    }
    return output;
  }

  end(): string {
    this.#block.push(this.#lastLine + this.#inert.close());
    this.#lastLine = "";
    this.#openFence = undefined;
    const output = this.#flush();
    this.#printed = false;
    return output;
  }

  #beforeLine(): string {
    const complete = this.#openFence === undefined && this.#block.at(-1)?.trim() === "" && /^\S/.test(this.#lastLine);
    return complete ? this.#flush() : "";
  }

  /** Keeps track of fences. Returns true if the line closes a fence. */
  #closesFence(line: string): boolean {
    const marker = fence.exec(line)?.[1];
    if (this.#openFence === undefined) {
      this.#openFence = marker;
      return false;
    }
    const closes = marker?.startsWith(this.#openFence) && line.trim() === marker;
    if (closes) this.#openFence = undefined;
    return closes === true;
  }

  #flush(): string {
    const text = this.#render(this.#block.join("\n"), this.#width());
    this.#block = [];
    if (text === "") return "";
    const gap = this.#printed ? "\n" : "";
    this.#printed = true;
    return `${gap}${text}\n`;
  }
}

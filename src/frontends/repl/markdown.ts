import { inert } from "../../core/inert.js";

/** An answer as it is written: what to print now, and at its end. Then the next text may come. */
export interface TextStream {
  push(delta: string): string;
  /** The rest, with a line end. */
  end(): string;
  /** The end of what has been pushed and not yet returned. */
  readonly pending: string;
}

/** Without colour Markdown is its own best rendering. */
export class PlainStream implements TextStream {
  readonly pending = "";
  #openLine = false;

  push(delta: string): string {
    const text = inert(delta);
    if (text !== "") this.#openLine = !text.endsWith("\n");
    return text;
  }

  end(): string {
    const rest = this.#openLine ? "\n" : "";
    this.#openLine = false;
    return rest;
  }
}

/** Finished Markdown as terminal text; `markdown-render.ts` has it. */
export type RenderBlocks = (markdown: string, width: number) => string;

/** A fence marker: three or more of one character. Indented ones belong to a list item and do not end a block. */
const fence = /^ {0,3}(`{3,}|~{3,})/;

/**
 * Markdown as it is written, as terminal text: a block is rendered once, when it is complete, so nothing on the screen is ever
 * painted over. A block ends with its closing fence, or with a blank line that is followed by unindented text (indented text
 * would go on with a list item).
 */
export class MarkdownStream implements TextStream {
  readonly #render: RenderBlocks;
  readonly #width: () => number;
  /** Complete lines of the block that is being written. */
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
    const [rest = "", ...starts] = inert(delta).split("\n");
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
    this.#block.push(this.#lastLine);
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

  /** Keeps track of fences; true at the line that ends one. */
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

  /** Blocks are a blank line apart. */
  #flush(): string {
    const text = this.#render(this.#block.join("\n"), this.#width());
    this.#block = [];
    if (text === "") return "";
    const gap = this.#printed ? "\n" : "";
    this.#printed = true;
    return `${gap}${text}\n`;
  }
}

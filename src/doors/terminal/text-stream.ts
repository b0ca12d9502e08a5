import { InertText } from "../../core/text/inert.js";

/** Converts an answer to terminal text while the answer arrives. After `end`, the stream can be used for the next answer. */
export interface TextStream {
  /** Adds a part of the answer. Returns text that never changes again, in whole lines. */
  push(delta: string): string;
  /** Ends the answer. Returns the text that was not returned yet, with a line end. */
  end(): string;
  /** Returns the text that was pushed but not returned yet. It may look different once it is complete. */
  draft(): string;
}

/** Shows Markdown as written, for terminals without colour. */
export class PlainStream implements TextStream {
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

  /** Returns nothing, because `push` holds nothing back. */
  draft(): string {
    return "";
  }
}

/** Renders Markdown as terminal text, without a final line end. `markdown-render.ts` implements this. */
export interface MarkdownRenderer {
  blocks(markdown: string, width: number): string;
  /** Renders one line of a code block. A long line takes several rows. */
  codeLine(line: string, width: number): string;
}

/**
 * Marker that opens or closes a fenced code block: three or more of one character. A marker with more indentation belongs to a list item
 * and ends no block.
 */
const fence = /^( {0,3})(`{3,}(?!.*`)|~{3,})/;
/** Maximum length of the text that `draft` renders. `draft` is called for every frame, so it must be fast in a long block too. */
const maxDraft = 20_000;

/**
 * Renders Markdown block by block while it arrives. A block is rendered for good once it is complete. It ends with a blank line, if the text
 * after that line is not indented; indented text would continue a list item. A fenced code block is rendered line by line.
 */
export class MarkdownStream implements TextStream {
  readonly #render: MarkdownRenderer;
  readonly #width: () => number;
  readonly #inert = new InertText();
  /** Complete lines of the block that is not rendered yet. */
  #block: string[] = [];
  #lastLine = "";
  #openFence: string | undefined;
  /** True in a fenced code block whose lines are rendered one by one. An indented one is rendered with the block that it belongs to. */
  #isByLine = false;
  #printed: "nothing" | "block" | "codeLine" = "nothing";

  constructor(render: MarkdownRenderer, width: () => number) {
    this.#render = render;
    this.#width = width;
  }

  push(delta: string): string {
    const [rest = "", ...starts] = this.#inert.push(delta).split("\n");
    this.#lastLine += rest;
    let output = this.#beforeLine();
    for (const start of starts) {
      output += this.#take(this.#lastLine);
      this.#lastLine = start;
      output += this.#beforeLine();
    }
    return output;
  }

  end(): string {
    const last = this.#lastLine + this.#inert.close();
    const output = (last === "" ? "" : this.#take(last)) + this.#flush();
    this.#lastLine = "";
    this.#openFence = undefined;
    this.#isByLine = false;
    this.#printed = "nothing";
    return output;
  }

  draft(): string {
    const text = this.#isByLine ? this.#codeDraft() : this.#blockDraft();
    return text === "" ? "" : this.#gap + text;
  }

  #codeDraft(): string {
    const isFence = this.#openFence?.startsWith(this.#lastLine.trim());
    return isFence ? "" : this.#render.codeLine(this.#lastLine.slice(-maxDraft), this.#width());
  }

  #blockDraft(): string {
    const text = [...this.#block, this.#lastLine].join("\n");
    return this.#render.blocks(text.slice(-maxDraft), this.#width());
  }

  #beforeLine(): string {
    const complete = this.#openFence === undefined && this.#block.at(-1)?.trim() === "" && /^\S/.test(this.#lastLine);
    return complete ? this.#flush() : "";
  }

  /** Takes a complete line. Returns the text that is complete with it. */
  #take(line: string): string {
    const [, indentation, marker] = fence.exec(line) ?? [];
    if (this.#openFence !== undefined) {
      if (marker?.startsWith(this.#openFence) && line.trim() === marker) return this.#closeFence(line);
      if (this.#isByLine) return this.#print(this.#render.codeLine(line, this.#width()), "codeLine");
    } else if (marker !== undefined) {
      this.#openFence = marker;
      this.#isByLine = indentation === "";
      if (this.#isByLine) return this.#flush();
    }
    this.#block.push(line);
    return "";
  }

  #closeFence(line: string): string {
    this.#openFence = undefined;
    if (!this.#isByLine) {
      this.#block.push(line);
      return this.#flush();
    }
    this.#isByLine = false;
    if (this.#printed === "codeLine") this.#printed = "block";
    return "";
  }

  #flush(): string {
    const text = this.#render.blocks(this.#block.join("\n"), this.#width());
    this.#block = [];
    return text === "" ? "" : this.#print(text, "block");
  }

  #print(text: string, kind: "block" | "codeLine"): string {
    const output = `${this.#gap}${text}\n`;
    this.#printed = kind;
    return output;
  }

  get #gap(): string {
    return this.#printed === "block" ? "\n" : "";
  }
}

/** Growing Markdown, split into blocks that do not change any more and a last block that does. */

/** Longest block for the lexer, which is quadratic in some inputs and recursive in others. */
const maxLength = 20_000;
/**
 * Limit of emphasis marks. 10,000 in 20,000 characters took the lexer 17 s; a list of 150 items, each with bold text, code and a link, has
 * 2,300.
 */
const mostMarks = 3_000;

/** Returns true if the lexer reads the block in little time. Others are shown as they were written. */
export function isReadable(block: string): boolean {
  return block.length <= maxLength && (block.match(/[*_~>[<`]/g)?.length ?? 0) <= mostMarks;
}

const fence = /^\s*(`{3,}|~{3,})/;
const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])\s/;

/** Splitter of a growing text, which continues after the last complete block. */
export class BlockSplitter {
  #text = "";
  /** Start of the open block. */
  #start = 0;
  #closed: string[] = [];
  /** Start of the first line that was not looked at. */
  #line = 0;
  #fence = "";
  #isList = false;
  #isAfterBlank = false;
  /** True if the block was a piece of code that has ended. */
  #endsHere = false;

  /** Returns the blocks of a text. A text that continues the one before it costs only what is new. */
  split(text: string): { closed: readonly string[]; open: string } {
    if (!text.startsWith(this.#text)) this.#reset();
    this.#text = text;
    for (let end = text.indexOf("\n", this.#line); end >= 0; end = text.indexOf("\n", this.#line)) {
      this.#look(text.slice(this.#line, end));
      this.#line = end + 1;
    }
    return { closed: this.#closed, open: text.slice(this.#start) };
  }

  #look(line: string): void {
    if (this.#fence) {
      if (!/^(`+|~+)$/.test(line.trim()) || !line.trim().startsWith(this.#fence)) return;
      this.#fence = "";
      this.#endsHere = !this.#isList;
      return;
    }
    if (line.trim() === "") {
      this.#isAfterBlank = true;
      return;
    }
    const goesOn = this.#isList && (listItem.test(line) || /^\s{2,}/.test(line));
    const opened = fence.exec(line)?.[1] ?? "";
    const begins = this.#endsHere || (!goesOn && (this.#isAfterBlank || (opened !== "" && !this.#isList)));
    if (begins && this.#line > this.#start) {
      this.#closed = [...this.#closed, this.#text.slice(this.#start, this.#line)];
      this.#start = this.#line;
    }
    if (this.#line === this.#start) this.#isList = listItem.test(line);
    this.#isAfterBlank = false;
    this.#endsHere = false;
    this.#fence = opened;
  }

  #reset(): void {
    this.#text = "";
    this.#start = 0;
    this.#closed = [];
    this.#line = 0;
    this.#fence = "";
    this.#isList = false;
    this.#isAfterBlank = false;
    this.#endsHere = false;
  }
}

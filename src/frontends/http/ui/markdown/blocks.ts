/** Markdown that grows, in pieces that do not change any more and a last one that does. */

/** The lexer is quadratic in some inputs and recursive in others. */
const maxLength = 20_000;
/** 10,000 marks of emphasis in 20,000 characters took it 17 s; a list of 150 items, each with bold text, code and a link, has 2,300. */
const mostMarks = 3_000;

/** Whether a block is read in little time, whatever is in it. Others are shown as they were written. */
export function isReadable(block: string): boolean {
  return block.length <= maxLength && (block.match(/[*_~>[<`]/g)?.length ?? 0) <= mostMarks;
}

const fence = /^\s*(`{3,}|~{3,})/;
const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])\s/;

/** What of a text is whole, up to where; then the splitting goes on from there. */
export class BlockSplitter {
  #text = "";
  /** Where the open block begins. */
  #start = 0;
  #closed: string[] = [];
  /** Where the first line that was not looked at begins. */
  #line = 0;
  #fence = "";
  #isList = false;
  #isAfterBlank = false;
  /** The block was a piece of code, and is over. */
  #endsHere = false;

  /** The blocks of a text. One that goes on with the text before it costs only what is new. */
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

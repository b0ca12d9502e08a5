/** Splits a growing Markdown text into complete blocks, which do not change any more, and one open block. */

const fence = /^\s*(`{3,}|~{3,})/;
const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])\s/;

/** Splits a growing text. Each call continues after the last complete block. */
export class BlockSplitter {
  #text = "";
  #start = 0;
  #closed: string[] = [];
  /** Position of the first line that was not read yet. */
  #line = 0;
  #fence = "";
  #isList = false;
  #isAfterBlank = false;
  /** True if the open block is code whose closing fence was read. */
  #endsHere = false;

  /** Returns the blocks of a text. If the text begins with the text of the previous call, only the rest is read. */
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

/**
 * A fence that opens a code block, the rest of its line, and the code. After `~`, no further `~` may follow: otherwise a search in a long
 * row of them would take quadratic time.
 */
const openFence = /^\s*(?:`{3,}|~{3,}(?!~))([^\n`]*)\n([\s\S]*)$/;
const fenceLine = /^[ \t]*(?:`{3,}|~{3,})[ \t]*$/m;

/** Returns the language and the code of a block of Markdown that is a code block without its end. Returns undefined for any other block. */
export function unfinishedCode(block: string): { language: string; code: string } | undefined {
  const [, language = "", code = ""] = openFence.exec(block) ?? [];
  return code && !fenceLine.test(code) ? { language, code } : undefined;
}

/** Reads Markdown into tokens, with the formulas and footnotes that models write and that marked does not know. */
import { Marked, type MarkedToken, type Token, type TokenizerExtension, type Tokens } from "marked";

interface MathsToken {
  type: "maths";
  raw: string;
  tex: string;
  isBlock: boolean;
}

/** A footnote: the mark in the text, or, with `tokens`, the note itself. */
export interface NoteToken {
  type: "note";
  raw: string;
  name: string;
  tokens?: Token[];
}

export type MarkdownToken = MarkedToken | MathsToken | NoteToken;

// A formula has a largest length: otherwise a search in a long row of opening delimiters would take quadratic time.
const blockMaths = /^ {0,3}(?:\$\$((?:(?!\$\$)[\s\S]){1,4000})\$\$|\\\[([\s\S]{1,4000}?)\\\])[ \t]*(?:\n|$)/;
const longMaths = /^(?:\$\$((?:(?!\$\$)[^\n]){1,2000})\$\$|\\\[([\s\S]{1,2000}?)\\\])/;
/** In `$5 and $10` the closing delimiter follows a space or comes before a digit, so these are amounts of money. */
const shortMaths =
  /^(?:\$(?![\s$]|[\d.,]+ [a-z]{2})((?:\\.|[^$\\\n]){1,2000}?)(?<![\s\\])\$(?!\d)|\\\(([^\n]{1,2000}?)\\\))/i;

function mathsOf(match: RegExpExecArray | null, isBlock: boolean): MathsToken | undefined {
  return match ? { type: "maths", raw: match[0], tex: (match[1] ?? match[2] ?? "").trim(), isBlock } : undefined;
}

const extensions: TokenizerExtension[] = [
  {
    name: "block_maths",
    level: "block",
    start: (source) => indexOf(/(?<=\n) {0,3}(?:\$\$|\\\[)/, source),
    tokenizer: (source) => mathsOf(blockMaths.exec(source), true),
  },
  {
    name: "note_text",
    level: "block",
    tokenizer(source) {
      const [raw, name, text] =
        /^\[\^([^\]\s]{1,40})\]:[ \t]*([^\n]*(?:\n(?!\[\^|\n)[^\n]+)*)(?:\n|$)/.exec(source) ?? [];
      return raw && name ? { type: "note", raw, name, tokens: this.lexer.inline(text ?? "") } : undefined;
    },
  },
  {
    // Both are one extension with one search: each further search would read the whole rest of a text for each piece of it.
    name: "maths_or_note_mark",
    level: "inline",
    start: (source) => indexOf(/\$|\\[([]|\[\^/, source),
    tokenizer: (source) =>
      noteMark(source) ?? mathsOf(longMaths.exec(source), true) ?? mathsOf(shortMaths.exec(source), false),
  },
];

function noteMark(source: string): NoteToken | undefined {
  const [raw, name] = /^\[\^([^\]\s]{1,40})\]/.exec(source) ?? [];
  return raw && name ? { type: "note", raw, name } : undefined;
}

function indexOf(pattern: RegExp, source: string): number | undefined {
  const index = source.search(pattern);
  return index < 0 ? undefined : index;
}

const marked = new Marked({ extensions });

export function markdownTokens(markdown: string): Token[] {
  return marked.lexer(markdown);
}

/** Returns what an escape such as `\*` shows. Where the backslash has no meaning, as in `\,`, it stays. */
export function escapedText({ raw, text }: Tokens.Escape): string {
  return /[\\`*_{}[\]#+\-.!|<>~&$]/.test(text) ? text : raw;
}

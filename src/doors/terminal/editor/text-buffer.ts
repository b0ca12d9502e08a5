/** A movement of the cursor. Returns the position at which the movement ends. */
export type Motion = (text: string, cursor: number) => number;

/** The text being typed, with a cursor between two graphemes. */
export class TextBuffer {
  #text = "";
  #cursor = 0;
  #killed = "";

  get text(): string {
    return this.#text;
  }

  get cursor(): number {
    return this.#cursor;
  }

  set(text: string, cursor = text.length): void {
    this.#text = text;
    this.#cursor = cursor;
  }

  insert(text: string): void {
    this.#replace(this.#cursor, this.#cursor, text);
  }

  /** Replaces the text between `start` and the cursor with `text`. */
  complete(start: number, text: string): void {
    this.#replace(start, this.#cursor, text);
  }

  move(motion: Motion): void {
    this.#cursor = motion(this.#text, this.#cursor);
  }

  /** Removes the text between the cursor and the end of the motion. Returns the removed text. */
  erase(motion: Motion): string {
    const target = motion(this.#text, this.#cursor);
    const [start, end] = [Math.min(target, this.#cursor), Math.max(target, this.#cursor)];
    const erased = this.#text.slice(start, end);
    this.#replace(start, end, "");
    return erased;
  }

  /** Removes text that `yank` can insert again. */
  kill(motion: Motion): void {
    this.#killed = this.erase(motion) || this.#killed;
  }

  yank(): void {
    this.insert(this.#killed);
  }

  #replace(start: number, end: number, text: string): void {
    this.#text = this.#text.slice(0, start) + text + this.#text.slice(end);
    this.#cursor = start + text.length;
  }
}

const segmenter = new Intl.Segmenter();

export const left: Motion = (text, cursor) => {
  const line = text.slice(lineStart(text, cursor), cursor);
  const last = segmenter.segment(line).containing(line.length - 1);
  return Math.max(0, cursor - (last?.segment.length ?? 1));
};

export const right: Motion = (text, cursor) => {
  const [next] = segmenter.segment(text.slice(cursor));
  return cursor + (next?.segment.length ?? 0);
};

export const lineStart: Motion = (text, cursor) => (cursor === 0 ? 0 : text.lastIndexOf("\n", cursor - 1) + 1);

export const lineEnd: Motion = (text, cursor) => {
  const end = text.indexOf("\n", cursor);
  return end < 0 ? text.length : end;
};

/** Moves to about the same column in the line above. Stays where it is if there is no line above. */
export const lineAbove: Motion = (text, cursor) => {
  const start = lineStart(text, cursor);
  if (start === 0) return cursor;
  return between(text, Math.min(lineStart(text, start - 1) + cursor - start, start - 1));
};

export const lineBelow: Motion = (text, cursor) => {
  const end = lineEnd(text, cursor);
  if (end === text.length) return cursor;
  return between(text, Math.min(end + 1 + cursor - lineStart(text, cursor), lineEnd(text, end + 1)));
};

export const wordLeft: Motion = (text, cursor) => back(text, back(text, cursor, notOfWord), ofWord);

export const wordRight: Motion = (text, cursor) =>
  cursor + (/^[^\p{L}\p{N}\p{M}_]*[\p{L}\p{N}\p{M}_]*/u.exec(text.slice(cursor))?.[0].length ?? 0);

/** Moves to the start of the word before the cursor, like Ctrl-W in a shell. Words are separated by blanks only. */
export const blankLeft: Motion = (text, cursor) => back(text, back(text, cursor, /\s/u), /\S/u);

const ofWord = /[\p{L}\p{N}\p{M}_]/u;
const notOfWord = /[^\p{L}\p{N}\p{M}_]/u;

/**
 * Moves left over all characters that match `kind`, one by one. A regular expression over the whole text would take quadratic time for a
 * long word.
 */
function back(text: string, cursor: number, kind: RegExp): number {
  let position = cursor;
  while (position > 0) {
    const before = position - (isLowSurrogate(text, position - 1) ? 2 : 1);
    if (!kind.test(text.slice(before, position))) break;
    position = before;
  }
  return Math.max(0, position);
}

export function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff && index > 0;
}

/** Returns the position at which the grapheme at `index` starts. */
function between(text: string, index: number): number {
  return segmenter.segment(text).containing(index)?.index ?? index;
}

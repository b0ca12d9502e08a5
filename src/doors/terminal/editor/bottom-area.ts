import type { Writable } from "node:stream";
import stringWidth from "string-width";
import type { Area } from "./layout.js";

export interface TerminalOutput extends Writable {
  columns?: number;
  rows?: number;
}

const eraseBelow = "\u001b[J";

/** The bottom rows of a terminal, which are repainted. Other output is printed above these rows and scrolls. */
export class BottomArea {
  readonly #output: TerminalOutput;
  #area: Area | undefined;
  #atLineStart = true;

  constructor(output: TerminalOutput) {
    this.#output = output;
  }

  get columns(): number {
    return this.#output.columns || 80;
  }

  get height(): number {
    return this.#output.rows || 24;
  }

  print(text: string): void {
    if (text === "") return;
    const erasure = this.#erasure();
    this.#atLineStart = text.endsWith("\n");
    this.#output.write(erasure + text + this.#painting());
  }

  show(area: Area | undefined): void {
    if (isSame(this.#area, area)) return;
    const more = appended(this.#area, area);
    if (more !== undefined) {
      this.#area = area;
      this.#output.write(more);
      return;
    }
    const first = firstToRepaint(this.#area, area);
    const erasure = this.#erasure(first);
    this.#area = area;
    this.#output.write(erasure + this.#painting(first));
  }

  /** Moves the rows to the output above the area. If the area already begins with these rows, they are not printed again. */
  keep(rows: readonly string[]): void {
    const { rows: shown = [], cursor } = this.#area ?? {};
    const down = rows.length - 1 - (cursor?.row ?? 0);
    if (this.#area && rows.every((row, index) => row === shown[index])) {
      this.#area = undefined;
      this.#output.write(`${down > 0 ? `\u001b[${down}B` : ""}\n${eraseBelow}`);
    } else {
      this.show(undefined);
      this.print(`${rows.join("\n")}\n`);
    }
  }

  clearScreen(): void {
    this.#output.write("\u001b[H");
    this.paintAnew();
  }

  /** Repaints the area from the line in which the cursor is now, because other programs may have moved the cursor. */
  paintAnew(): void {
    this.#atLineStart = true;
    this.#output.write(`\r${eraseBelow}${this.#painting()}`);
  }

  /**
   * Returns the escape sequence that erases the area from the row `first` on. If the terminal has become narrower, this includes the extra
   * rows that wrapping made.
   */
  #erasure(first = 0): string {
    if (!this.#area) return "";
    const { rows, cursor } = this.#area;
    const wrapped = (width: number) => Math.floor(Math.max(0, width - 1) / this.columns);
    const above = rows.slice(first, cursor.row).reduce((sum, row) => sum + 1 + wrapped(stringWidth(row)), 0);
    const up = above + Math.floor(cursor.column / this.columns);
    return `\r${up > 0 ? `\u001b[${up}A` : ""}${eraseBelow}`;
  }

  #painting(first = 0): string {
    if (!this.#area) return "";
    const { rows, cursor } = this.#area;
    const gap = this.#atLineStart ? "" : "\n";
    this.#atLineStart = true;
    const up = rows.length - 1 - cursor.row;
    const toCursor = `${up > 0 ? `\u001b[${up}A` : ""}\r${cursor.column > 0 ? `\u001b[${cursor.column}C` : ""}`;
    return gap + rows.slice(first).join("\n") + (isAtEnd(this.#area) ? "" : toCursor);
  }
}

/**
 * Returns the text that was added to the end of the last row, if that is the only change and the cursor is at that end. Otherwise
 * undefined.
 */
function appended(before: Area | undefined, now: Area | undefined): string | undefined {
  if (!before || !now || before.rows.length !== now.rows.length || !isAtEnd(before) || !isAtEnd(now)) return undefined;
  const [old = "", current = ""] = [before.rows.at(-1), now.rows.at(-1)];
  const othersStand = before.rows.slice(0, -1).every((row, index) => row === now.rows[index]);
  return othersStand && current.startsWith(old) ? current.slice(old.length) : undefined;
}

/** Returns the index of the first row that differs. The rows above it stay on the screen, so that they do not flicker. */
function firstToRepaint(before: Area | undefined, now: Area | undefined): number {
  if (!before || !now) return 0;
  const last = Math.min(before.cursor.row, now.rows.length - 1);
  const differs = now.rows.findIndex((row, index) => index === last || row !== before.rows[index]);
  return Math.max(0, differs);
}

function isAtEnd({ rows, cursor }: Area): boolean {
  return cursor.row === rows.length - 1 && cursor.column === stringWidth(rows.at(-1) ?? "");
}

function isSame(one: Area | undefined, other: Area | undefined): boolean {
  if (!one || !other) return one === other;
  const { row, column } = one.cursor;
  return row === other.cursor.row && column === other.cursor.column && one.rows.join("\n") === other.rows.join("\n");
}

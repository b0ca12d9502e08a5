import stringWidth from "string-width";
import { oneLine } from "../../shared/terminal.js";
import { type Area, layOut, windowOf } from "./layout.js";
import { isLowSurrogate } from "./text-buffer.js";

export const prompt = "> ";

/** Maximum number of rows of an entered text that are copied to the output above. */
const maxEchoRows = 40;
/** Maximum number of rows shown of the text that is being typed. */
const maxInputRows = 12;
const maxQueuedRows = 3;
/**
 * Maximum number of UTF-16 units that are read for each cell, so that a very long text takes little work. Some characters take several
 * units.
 */
const unitsPerCell = 4;

interface Bottom {
  status?: string;
  /** Lines that were entered but not processed yet. */
  queued: readonly string[];
  input?: { text: string; cursor: number };
  label: string;
  /** Facts about the conversation, shown in the line below the input. */
  facts?: string;
}

interface AreaStyle {
  columns: number;
  height: number;
  dim: (text: string) => string;
}

/** Returns the rows at the bottom of the screen. Undefined if there is nothing to show. */
export function bottomOf(bottom: Bottom, { columns, height, dim }: AreaStyle): Area | undefined {
  const { status, queued, input, label, facts } = bottom;
  const dimLine = (line: string) => dim(oneLine(line, columns - 1));
  const above = [...(status === undefined ? [] : [status]), ...queuedLines(queued).map(dimLine)];
  if (!input) return above.length > 0 ? { rows: above, cursor: endOf(above) } : undefined;
  const below = facts ? [dimLine(facts)] : [];
  const room = Math.min(maxInputRows, height - above.length - below.length - 1);
  const prompt = stringWidth(label) > columns / 2 ? `${oneLine(label, columns / 2)} ` : label;
  const { text, cursor: index } = aroundCursor(input, columns);
  const { rows, cursor } = windowOf(layOut(text, index, { prompt, columns }), Math.max(1, room));
  return {
    rows: [...above, ...rows, ...below],
    cursor: { row: above.length + cursor.row, column: cursor.column },
  };
}

/**
 * Returns the part of the text that may be visible around the cursor. Only this part is wrapped, so that a key is handled as fast in a long
 * text as in a short one.
 */
function aroundCursor({ text, cursor }: { text: string; cursor: number }, columns: number) {
  const reach = unitsPerCell * maxInputRows * columns;
  // The start of the part moves in steps. If it moved with each key, all rows would wrap differently at each key.
  const step = Math.floor((cursor - reach) / reach) * reach;
  const start = Math.max(0, isLowSurrogate(text, step) ? step - 1 : step);
  return { text: text.slice(start, cursor + reach), cursor: cursor - start };
}

export function echoOf(
  text: string,
  { label, columns, dim }: { label: string; columns: number; dim: (text: string) => string },
): string[] {
  const start = text.slice(0, unitsPerCell * maxEchoRows * columns);
  const { rows } = layOut(start, start.length, { prompt: label, columns });
  const more = rows.length - maxEchoRows;
  if (start.length < text.length) return [...rows.slice(0, maxEchoRows), dim("  … and many lines more")];
  return more > 0 ? [...rows.slice(0, maxEchoRows), dim(`  … and ${more} lines more`)] : [...rows];
}

/**
 * Splits a question into its last line and the lines before. The answer is typed after the last line. If the last line is too long to leave
 * room for an answer, the answer is typed after the usual prompt instead.
 */
export function splitQuestion(question: string, columns: number): { head: string; label: string } {
  const start = question.lastIndexOf("\n") + 1;
  const label = question.slice(start).replaceAll("\t", " ");
  if (stringWidth(label) > columns / 2) return { head: `${question}\n`, label: prompt };
  return { head: question.slice(0, start), label };
}

function queuedLines(queued: readonly string[]): string[] {
  const more = queued.length - maxQueuedRows;
  const lines = queued.slice(0, maxQueuedRows).map((text) => `queued: ${text}`);
  return more > 0 ? [...lines, `queued: ${more} more`] : lines;
}

function endOf(rows: readonly string[]): Area["cursor"] {
  return { row: rows.length - 1, column: stringWidth(rows.at(-1) ?? "") };
}

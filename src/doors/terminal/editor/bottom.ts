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

interface TypedText {
  text: string;
  cursor: number;
}

interface Bottom {
  /** Rows of the running work. If there is no room for all of them, the first ones are left out. */
  below: readonly string[];
  /** Lines that were entered but not processed yet. */
  queued: readonly string[];
  input?: TypedText;
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
  const dimLine = (line: string) => dim(oneLine(line, columns - 1));
  const queued = queuedLines(bottom.queued).map(dimLine);
  const facts = bottom.facts ? [dimLine(bottom.facts)] : [];
  const room = height - queued.length - facts.length - 1;
  const input = bottom.input && inputOf(bottom.input, bottom.label, { columns, room });
  const below = bottom.below.slice(-Math.max(1, room - (input?.rows.length ?? 0)));
  const above = [...below, ...queued];
  if (!input) return above.length > 0 ? { rows: above, cursor: endOf(above) } : undefined;
  const cursor = { row: above.length + input.cursor.row, column: input.cursor.column };
  return { rows: [...above, ...input.rows, ...facts], cursor };
}

function inputOf(input: TypedText, label: string, { columns, room }: { columns: number; room: number }): Area {
  const prompt = stringWidth(label) > columns / 2 ? `${oneLine(label, columns / 2)} ` : label;
  const { text, cursor } = aroundCursor(input, columns);
  return windowOf(layOut(text, cursor, { prompt, columns }), Math.max(1, Math.min(maxInputRows, room - 1)));
}

/**
 * Returns the part of the text that may be visible around the cursor. Only this part is wrapped, so that a key is handled as fast in a long
 * text as in a short one.
 */
function aroundCursor({ text, cursor }: TypedText, columns: number): TypedText {
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

import stringWidth from "string-width";

/** Rows of a terminal and the cell of the cursor. Each row is shorter than the terminal is wide. */
export interface Area {
  rows: readonly string[];
  cursor: { row: number; column: number };
}

/** Minimum width of a row, in columns. A wide character takes two columns. */
const minRowColumns = 2;
const segmenter = new Intl.Segmenter();

/**
 * Wraps the prompt and, after it, the text that is being typed. No row reaches the last column, because terminals treat that column
 * differently.
 */
export function layOut(text: string, cursor: number, { prompt, columns }: { prompt: string; columns: number }): Area {
  const indent = stringWidth(prompt);
  const width = Math.max(minRowColumns, columns - 1 - indent);
  const rows = [prompt];
  let used = 0;
  let position = { row: 0, column: indent };
  const newRow = () => {
    rows.push(" ".repeat(indent));
    used = 0;
  };
  for (const { segment, index } of segmenter.segment(text)) {
    const isLineEnd = segment === "\n";
    const shown = segment === "\t" ? "  " : segment;
    const needed = isLineEnd ? 0 : stringWidth(shown);
    if (used + needed > width) newRow();
    if (index === cursor) position = { row: rows.length - 1, column: indent + used };
    if (isLineEnd) newRow();
    else {
      rows[rows.length - 1] += shown;
      used += needed;
    }
  }
  if (cursor >= text.length) position = { row: rows.length - 1, column: indent + used };
  return { rows, cursor: position };
}

/** Returns at most `maxRows` rows. They include the row of the cursor. */
export function windowOf({ rows, cursor }: Area, maxRows: number): Area {
  const first = Math.max(0, Math.min(cursor.row - maxRows + 1, rows.length - maxRows));
  const shown = rows.slice(first, first + maxRows);
  return { rows: shown, cursor: { row: cursor.row - first, column: cursor.column } };
}

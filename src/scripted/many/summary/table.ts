import stringWidth from "string-width";
import { largest } from "../../../core/lists/long-lists.js";
import { oneLine } from "../../../doors/shared/terminal.js";
import { summaryCells, summaryColumns } from "./run-facts.js";
import type { SummaryRow } from "./run-summary.js";

/** Maximum width of the name column, in characters. A longer name is cut. */
const maxName = 60;

/** Returns a table for a terminal. Names are left-aligned, and numbers are right-aligned. */
export function summaryTable(what: string, rows: readonly SummaryRow[]): string {
  const table = [[what, ...summaryColumns], ...rows.map((row) => [oneLine(row.name, maxName), ...summaryCells(row)])];
  const widths = table[0]?.map((_, column) => largest(table.map((cells) => stringWidth(cells[column] ?? "")))) ?? [];
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const space = " ".repeat((widths[column] ?? 0) - stringWidth(cell));
        return column === 0 ? cell + space : space + cell;
      })
      .join("  ");
  return table.map((cells) => `${line(cells)}\n`).join("");
}

import stringWidth from "string-width";
import { largest } from "../../../core/lists/long-lists.js";
import { elapsedText } from "../../../core/text/durations.js";
import { unambiguous } from "../../../core/text/inert.js";
import { oneLine } from "../../../doors/shared/terminal.js";
import type { Summary, SummaryRow } from "./run-summary.js";

export function money(usd: number | undefined): string {
  if (usd === undefined) return "?";
  return `$${usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toPrecision(2)}`;
}

export function passRate({ passed, runs }: SummaryRow): string {
  return runs === 0 ? "-" : `${Math.floor((100 * passed) / runs)} %`;
}

export const summaryColumns = ["passed", "rate", "tokens in", "out", "cost", "p50", "p95"] as const;

export function summaryCells(row: SummaryRow): string[] {
  const { passed, runs, inputTokens, outputTokens, costUsd, p50Ms, p95Ms } = row;
  const tokens = [inputTokens, outputTokens].map(String);
  return [`${passed}/${runs}`, passRate(row), ...tokens, money(costUsd), elapsedText(p50Ms), elapsedText(p95Ms)];
}

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

/** Returns tables in GitHub's Markdown. They are meant for a job summary or a comment. */
export function summaryMarkdown({ all, models, scripts }: Summary): string {
  return `${table("model", [...models, all])}\n${table("script", scripts)}`;
}

function table(what: string, rows: readonly SummaryRow[]): string {
  const lines = [
    [what, ...summaryColumns],
    [":--", ...summaryColumns.map(() => "--:")],
    ...rows.map((row) => [escaped(row.name), ...summaryCells(row)]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** Escapes the text of a cell, so that it contains no markup. */
function escaped(text: string): string {
  return unambiguous(text)
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\\`*_{}[\]<>()#+!|~&@:]/g, (character) => `&#${character.charCodeAt(0)};`);
}

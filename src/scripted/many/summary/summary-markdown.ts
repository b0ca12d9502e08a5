import { unambiguous } from "../../../core/text/inert.js";
import { summaryCells, summaryColumns } from "./run-facts.js";
import type { Summary, SummaryRow } from "./run-summary.js";

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

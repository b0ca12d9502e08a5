import { largest } from "../../../core/lists/long-lists.js";
import { elapsedText } from "../../../core/text/durations.js";
import { escapeHtml } from "../../../session/export/escape.js";
import { selfContainedPage } from "../../../session/export/export-page.js";
import { money, passRate, summaryCells, summaryColumns } from "./run-facts.js";
import type { Summary, SummaryRow } from "./run-summary.js";
import { summaryStyle } from "./style.js";

/** Returns an HTML page with a chart for each measure and a table of models and scripts. All text is escaped. */
export function summaryHtml({ all, models, scripts }: Summary): string {
  const title = `Scripted sessions: ${all.passed} of ${all.runs} passed`;
  const main = `<h1>Scripted sessions</h1>
<p class="facts">${all.passed} of ${all.runs} runs passed · ${all.inputTokens} tokens in, ${all.outputTokens} out · ${money(all.costUsd)}</p>
<h2>By model</h2>
${charts(models)}
${table("model", models)}
<h2>By script</h2>
${table("script", scripts)}`;
  return selfContainedPage({ title, style: summaryStyle, main });
}

function charts(rows: readonly SummaryRow[]): string {
  return [
    chart("Pass rate", rows, { of: ({ passed, runs }) => passed / runs, max: 1, text: passRate }),
    chart("Tokens", rows, { of: tokens, text: (row) => String(tokens(row)) }),
    chart("Cost", rows, { of: ({ costUsd = 0 }) => costUsd, text: ({ costUsd }) => money(costUsd) }),
    chart("Time, p95", rows, { of: ({ p95Ms }) => p95Ms, text: ({ p95Ms }) => elapsedText(p95Ms) }),
  ].join("\n");
}

function tokens({ inputTokens, outputTokens }: SummaryRow): number {
  return inputTokens + outputTokens;
}

interface ChartMeasure {
  of(row: SummaryRow): number;
  /** Value that is drawn as a bar of full length. Default: the largest value. */
  max?: number;
  text(row: SummaryRow): string;
}

/** Sizes in SVG units: height of a row, position at which bars start, maximum length of a bar, and width of the chart. */
const size = { row: 26, left: 200, bar: 300, width: 600 };

function chart(title: string, rows: readonly SummaryRow[], { of, max, text }: ChartMeasure): string {
  const longest = max ?? Math.max(0, largest(rows.map(of)));
  const bars = rows.map((row, index) => {
    const length = longest > 0 ? (size.bar * of(row)) / longest : 0;
    const y = index * size.row;
    return `<g><title>${escapeHtml(row.name)}: ${text(row)}</title>
<text class="name" x="${size.left - 8}" y="${y + 17}">${escapeHtml(shortened(row.name))}</text>
<rect x="${size.left}" y="${y + 4}" width="${length.toFixed(1)}" height="${size.row - 8}" rx="2"/>
<text x="${(size.left + length + 6).toFixed(1)}" y="${y + 17}">${text(row)}</text></g>`;
  });
  const box = `0 0 ${size.width} ${Math.max(1, rows.length) * size.row}`;
  return `<figure><figcaption>${title}</figcaption><svg viewBox="${box}" role="img" aria-label="${title}">${bars.join("\n")}</svg></figure>`;
}

/** Shortens a name to its last 26 characters, because the names of models differ at the end. */
function shortened(name: string): string {
  const characters = [...name];
  return characters.length > 26 ? `…${characters.slice(-25).join("")}` : name;
}

function table(what: string, rows: readonly SummaryRow[]): string {
  const head = [what, ...summaryColumns].map((name) => `<th>${name}</th>`).join("");
  const body = rows.map((row) => {
    const cells = summaryCells(row).map((cell) => `<td>${cell}</td>`);
    return `<tr${row.passed < row.runs ? ' class="failed"' : ""}><th>${escapeHtml(row.name)}</th>${cells.join("")}</tr>`;
  });
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

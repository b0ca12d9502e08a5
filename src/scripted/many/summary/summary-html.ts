import { largest } from "../../../core/lists/long-lists.js";
import { elapsedText } from "../../../core/text/durations.js";
import { escapeHtml } from "../../../session/export/escape.js";
import { selfContainedPage } from "../../../session/export/export-page.js";
import type { Summary, SummaryRow } from "./run-summary.js";
import { money, passRate, summaryCells, summaryColumns } from "./summary-tables.js";

const summaryStyle = `
:root { color-scheme: light dark; --ink: #1d2228; --dim: #667079; --page: #fff; --line: #d9dde1; --bar: #3b6fb6; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e6e9; --dim: #97a1ab; --page: #16191d; --line: #343a41; --bar: #7aa7e0; --bad: #ff8a80 }
}
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem }
h1 { font-size: 1.3rem }
h2 { font-size: 1.05rem; margin-top: 2rem }
.facts, figcaption { color: var(--dim); font-size: .85rem }
figure { margin: 1rem 0 }
svg { width: 100%; max-width: 40rem; height: auto; display: block }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) }
svg .name { text-anchor: end; fill: var(--dim) }
rect { fill: var(--bar) }
.table { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem; text-align: right; white-space: nowrap }
th:first-child { text-align: left; overflow-wrap: anywhere; white-space: normal }
tbody th { font-weight: 400 }
.failed th, .failed td:nth-child(2) { color: var(--bad) }
`;

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

/** The table of a run: the figures of each row on logs of each size, its growth, and whether it keeps to its bounds. */
import { bounds } from "./rows.mjs";

const sizeText = (size) => size.toLocaleString("en");

/** Returns the table in Markdown. `columns`: the figures of each row, by the size of the log. */
export function tableOf(engine, columns) {
  const sizes = Object.keys(columns).map(Number);
  const head = [engine, ...sizes.map(sizeText), "growth", "must be", ""];
  const lines = Object.entries(bounds).flatMap(([name, bound]) => {
    const figures = sizes.map((size) => columns[size][name]);
    if (!figures.some(Boolean)) return [];
    const { rules, isKept } = verdict(columns, name, bound);
    const verdictText = rules ? (isKept ? "holds" : "**does not**") : "";
    return [[name, ...figures.map(figureText), growthText(figures), rules, verdictText]];
  });
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** Checks a row. `columns`: the figures of each row, by the size of the log. */
export function verdict(columns, name, { growth, stallMs, over, most }) {
  const figures = Object.values(columns).map((column) => column[name]);
  const measured = figures.filter(Boolean);
  const rules = [
    growth && [`≤ ${growth}x`, growthOf(figures) <= growth],
    over && [
      `≤ ${over[1]}x ${over[0]}`,
      Object.values(columns).every((column) => !column[name] || column[name].value <= over[1] * column[over[0]].value),
    ],
    stallMs && [`stall ≤ ${stallMs} ms`, measured.every((figure) => figure.stallMs <= stallMs)],
    most && [`≤ ${sizeText(most)}`, measured.every(({ value }) => value <= most)],
  ].filter(Boolean);
  return { rules: rules.map(([text]) => text).join(", "), isKept: rules.every(([, isKept]) => isKept) };
}

function growthOf(figures) {
  const measured = figures.filter(Boolean);
  return measured.at(-1).value / measured[0].value;
}

function growthText(figures) {
  return figures.filter(Boolean).length > 1 ? `${growthOf(figures).toFixed(1)}x` : "";
}

/** Formats a figure: its value and, after the slash, the longest stall. */
function figureText(figure) {
  if (!figure) return "";
  const { value, stallMs } = figure;
  if (value === Number.POSITIVE_INFINITY) return "no answer";
  const digits = value < 10 ? 1 : 0;
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return stallMs === undefined ? text : `${text} / ${stallMs.toFixed(0)}`;
}

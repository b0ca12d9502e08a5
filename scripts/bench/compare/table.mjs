/** Returns the report as a Markdown table with one column for each contestant, and columns for the gate and its verdict. */
export function tableOf({ base, contestants, peers, rows }) {
  const head = ["workload", "figure", ...contestants, "gate", "aim", "gate is", "best peer"];
  const lines = rows.map((row) => [
    row.key,
    row.label,
    ...contestants.map((name) => cell(row, name, base)),
    bound(row, row.gate),
    bound(row, row.aim),
    verdict(row),
    bestPeer(row, peers),
  ]);
  return markdown(head, lines);
}

/** Returns a table of the figures alone, for readers who do not know the keys of the workloads. */
export function plainTableOf({ base, contestants, rows }) {
  const isNew = ({ key }, index) => key !== rows[index - 1]?.key;
  const lines = rows.map((row, index) => [
    isNew(row, index) ? `${row.key}: ${row.title}` : "",
    row.label,
    ...contestants.map((name) => cell(row, name, base)),
  ]);
  return markdown(["workload", "figure", ...contestants], lines);
}

function markdown(head, lines) {
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function cell({ figures, unit, absolute, sqliteOverMemory }, name, base = "bare") {
  const figure = figures[name];
  if (!figure) return "–";
  if (name === base || absolute) return `${rounded(figure.value)} ${unit}`.trimEnd();
  if (figure.ratio === undefined) return "–";
  const overMemory = name === "ours-sqlite" && sqliteOverMemory ? ` (${sqliteOverMemory.toFixed(2)} of ours)` : "";
  return `${figure.ratio.toFixed(2)}${overMemory}`;
}

/** Returns the best peer, and whether this host is ahead of it. */
function bestPeer({ figures, absolute, isMoreBetter }, peers) {
  const figureOf = (name) => (absolute ? figures[name].value : figures[name].ratio);
  const [best] = peers
    .filter((name) => figures[name])
    .sort((a, b) => (isMoreBetter ? figureOf(b) - figureOf(a) : figureOf(a) - figureOf(b)));
  if (!best || !figures.ours) return "";
  const isAhead = isMoreBetter ? figureOf("ours") >= figureOf(best) : figureOf("ours") <= figureOf(best);
  return `${best}: we are ${isAhead ? "ahead" : "**behind**"}`;
}

function bound({ isMoreBetter, absolute, unit }, value) {
  if (value === undefined) return "";
  return `${isMoreBetter ? "≥" : "≤"} ${value}${absolute && unit ? ` ${unit}` : ""}`;
}

/** Returns in words whether this host's figure is within its gate and its aim. Empty if there is no gate or no figure. */
export function verdict({ gate, aim, isMoreBetter, absolute, figures }) {
  const { ours } = figures;
  if (gate === undefined || !ours) return "";
  const value = absolute ? ours.value : ours.ratio;
  const keeps = (limit) => limit !== undefined && (isMoreBetter ? value >= limit : value <= limit);
  if (keeps(aim)) return "aim met";
  return keeps(gate) ? "met" : "**not met**";
}

function rounded(value) {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

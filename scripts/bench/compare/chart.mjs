const barHeight = 14;
const groupGap = 18;
const labelWidth = 250;
const plotWidth = 520;
const colours = ["#2f6f4f", "#7fb394", "#b5523b", "#c98a3a", "#5b6fa8", "#8a6fa3", "#777777"];
/** The largest ratio that is drawn to scale. The bar of a larger one is cut off. */
const mostTimes = 12;

/**
 * Returns the ratios to `bare` as an SVG. Each workload with ratios has a group of bars for its first row, with one bar for each
 * contestant. One line marks `bare`, another one the gate.
 */
export function chartOf({ contestants, rows }) {
  const firsts = rows.filter((row, index) => !row.absolute && rows.findIndex(({ key }) => key === row.key) === index);
  const names = contestants.filter((name) => name !== "bare");
  const xOf = (times) => labelWidth + (Math.min(times, mostTimes) / mostTimes) * plotWidth;
  const parts = [];
  let y = 46;
  for (const row of firsts) {
    const shown = names.filter((name) => row.figures[name]);
    const height = shown.length * barHeight;
    parts.push(text(labelWidth - 8, y + height / 2, `${row.key} ${row.label}`, "end"));
    for (const [index, name] of shown.entries()) {
      const { ratio } = row.figures[name];
      const top = y + index * barHeight;
      const width = xOf(ratio) - labelWidth;
      parts.push(rect(labelWidth, top + 1, width, barHeight - 2, colourOf(names, name)));
      parts.push(text(xOf(ratio) + 4, top + barHeight / 2, ratio.toFixed(2), "start"));
    }
    if (row.gate) parts.push(line(xOf(row.gate), y - 2, y + height + 2, "#b00020", "3 2"));
    y += height + groupGap;
  }
  parts.unshift(line(xOf(1), 38, y - groupGap, "#555555", "none"));
  const legend = names.map((name, index) => {
    const x = 12 + index * 110;
    return rect(x, 12, 10, 10, colourOf(names, name)) + text(x + 14, 17, name, "start");
  });
  const title = "CPU or time as a multiple of a bare node:http client (grey line), shorter is better; red: our gate";
  return svg(title, labelWidth + plotWidth + 60, y + 20, [...legend, ...parts, text(12, y + 6, title, "start")]);
}

function colourOf(names, name) {
  return colours[names.indexOf(name) % colours.length];
}

function rect(x, y, width, height, fill) {
  return `<rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${height}" fill="${fill}"/>\n`;
}

function line(x, from, to, stroke, dashes) {
  const at = x.toFixed(1);
  return `<line x1="${at}" x2="${at}" y1="${from}" y2="${to}" stroke="${stroke}" stroke-dasharray="${dashes}"/>\n`;
}

function text(x, y, content, anchor) {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" dominant-baseline="middle">${escaped}</text>\n`;
}

function svg(title, width, height, parts) {
  const box = `xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const style = 'font-family="system-ui, sans-serif" font-size="11" fill="#222222"';
  const back = `<rect width="${width}" height="${height}" fill="#ffffff"/>\n`;
  return `<svg ${box} role="img">\n<title>${title}</title>\n${back}<g ${style}>\n${parts.join("")}</g>\n</svg>\n`;
}

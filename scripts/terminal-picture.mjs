/** A terminal's screen drawn as SVG. It supports what the chat uses: text, line breaks, cursor moves, erasing and colours. */
const colours = ["#6e7681", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#e6edf3"];
const cell = { width: 8.4, height: 18 };
const margin = 14;
const titleHeight = 28;
const plain = Object.freeze({ colour: undefined, isBold: false, isDim: false, isItalic: false, isUnderlined: false });
const sequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is controlled by these characters
  /\u001b\[([?>=]?)([\d;]*)([A-Za-z])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[=>78]|\r|\n|\u0008|\u0007|[^\u001b]/gu;

export class Screen {
  #columns;
  #rows;
  #lines = [[]];
  #row = 0;
  #column = 0;
  #style = plain;
  #held = "";

  constructor(columns, rows) {
    this.#columns = columns;
    this.#rows = rows;
  }

  write(output) {
    const whole = this.#held + output;
    const cut = whole.lastIndexOf("\u001b");
    const isCut = cut >= 0 && whole.length - cut < 12 && !/[A-Za-z]/.test(whole.slice(cut));
    this.#held = isCut ? whole.slice(cut) : "";
    for (const match of (isCut ? whole.slice(0, cut) : whole).matchAll(sequence)) this.#take(match);
  }

  text() {
    return this.#lines.map((line) => Array.from(line, (at) => at?.character ?? " ").join("")).join("\n");
  }

  #take([all, mark, numbers, command]) {
    if (command !== undefined) {
      if (mark === "") this.#control(command, numbers === "" ? [] : numbers.split(";").map(Number));
    } else if (all === "\r") this.#column = 0;
    else if (all === "\n") this.#moveTo(this.#row + 1, this.#column);
    else if (all === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (all >= " ") this.#put(all);
  }

  #put(character) {
    if (this.#column >= this.#columns) this.#moveTo(this.#row + 1, 0);
    this.#lines[this.#row][this.#column++] = { character, style: this.#style };
  }

  #moveTo(row, column) {
    this.#row = Math.max(0, row);
    this.#column = Math.max(0, column);
    while (this.#lines.length <= this.#row) this.#lines.push([]);
  }

  #control(command, numbers) {
    const [first = 1] = numbers;
    const line = this.#lines[this.#row];
    if (command === "m") this.#style = styled(this.#style, numbers);
    else if (command === "A") this.#moveTo(this.#row - first, this.#column);
    else if (command === "B") this.#moveTo(this.#row + first, this.#column);
    else if (command === "C") this.#moveTo(this.#row, this.#column + first);
    else if (command === "D") this.#moveTo(this.#row, this.#column - first);
    else if (command === "G") this.#moveTo(this.#row, first - 1);
    else if (command === "K") line.length = Math.min(line.length, this.#column);
    else if (command === "J") {
      line.length = Math.min(line.length, this.#column);
      this.#lines.length = this.#row + 1;
    }
  }

  /** Returns the last rows of the screen as a picture with a title bar. */
  svg(title) {
    const filled = this.#lines.findLastIndex((line) => line.some((at) => at && at.character !== " "));
    const lines = this.#lines.slice(Math.max(0, filled + 1 - this.#rows), filled + 1);
    const width = Math.ceil(this.#columns * cell.width + 2 * margin);
    const height = lines.length * cell.height + titleHeight + 2 * margin;
    const lights = ["#ff5f57", "#febc2e", "#28c840"].map(
      (fill, index) => `<circle cx="${18 + index * 18}" cy="14" r="5.5" fill="${fill}"/>`,
    );
    const drawn = lines.flatMap((line, index) => drawnLine(line, titleHeight + margin + (index + 0.75) * cell.height));
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#e6edf3" role="img">
<title>A chat with ${title} in a terminal</title>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<rect width="${width}" height="${titleHeight}" rx="8" fill="#21262d"/>${lights.join("")}
<text x="${width / 2}" y="19" text-anchor="middle" font-size="13" fill="#8b949e">${title}</text>
${drawn.join("\n")}
</svg>
`;
  }
}

/** Returns a `text` element for each run of characters in one style. Its width is that of its cells, whatever the font. */
function drawnLine(line, y) {
  const cells = Array.from(line, (at) => at ?? { character: " ", style: plain });
  const runs = [];
  for (const [column, { character, style }] of cells.entries()) {
    const last = runs.at(-1);
    if (last?.style === style) last.text += character;
    else runs.push({ column, style, text: character });
  }
  return runs
    .filter(({ text }) => text.trim() !== "")
    .map(({ column, style, text }) => {
      const x = (margin + column * cell.width).toFixed(1);
      const width = (Array.from(text).length * cell.width).toFixed(1);
      const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
      return `<text x="${x}" y="${y}" textLength="${width}" xml:space="preserve"${attributes(style)}>${escaped}</text>`;
    });
}

function attributes({ colour, isBold, isDim, isItalic, isUnderlined }) {
  return [
    colour === undefined ? "" : ` fill="${colours[colour]}"`,
    isBold ? ' font-weight="bold"' : "",
    isDim ? ' opacity="0.65"' : "",
    isItalic ? ' font-style="italic"' : "",
    isUnderlined ? ' text-decoration="underline"' : "",
  ].join("");
}

function styled(style, numbers) {
  let next = numbers.length === 0 ? plain : style;
  for (const number of numbers) next = number === 0 ? plain : { ...next, ...changed(number) };
  return next;
}

function changed(number) {
  if (number >= 30 && number <= 37) return { colour: number - 30 };
  if (number >= 90 && number <= 97) return { colour: number - 90 };
  if (number === 39) return { colour: undefined };
  const switches = { 1: { isBold: true }, 2: { isDim: true }, 3: { isItalic: true }, 4: { isUnderlined: true } };
  const offs = { 22: { isBold: false, isDim: false }, 23: { isItalic: false }, 24: { isUnderlined: false } };
  return switches[number] ?? offs[number] ?? {};
}

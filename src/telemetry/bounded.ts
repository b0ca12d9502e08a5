/**
 * Value that replaces every new value of a label that already has its maximum number of values. It comes from OpenTelemetry's conventions.
 */
const other = "_OTHER";
const mostChars = 128;

/**
 * Limits the values of metric labels, because each distinct value creates a new time series, and some values are chosen by clients and
 * servers. A label has at most `most` distinct values, and each value is one short line.
 */
export class BoundedValues {
  readonly #most: number;
  readonly #known = new Map<string, Set<string>>();

  constructor(most = 200) {
    this.#most = most;
  }

  of(label: string, value: string): string {
    const known = this.#known.get(label) ?? new Set();
    this.#known.set(label, known);
    const line = boundedLine(value);
    if (!known.has(line) && known.size >= this.#most) return other;
    known.add(line);
    return line;
  }
}

/** Shortens the text, and replaces characters that could control a terminal or break the line. */
export function boundedLine(text: string): string {
  return text.slice(0, mostChars).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

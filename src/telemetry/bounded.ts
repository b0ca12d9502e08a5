/** What the conventions call a value that is not said. */
const other = "_OTHER";
const mostChars = 128;

/**
 * Values of labels: each of them makes time series of its own, and clients and servers choose some of them. Of one label no more than
 * `most` values are told apart, and each is one short line.
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
    const line = oneLine(value);
    if (!known.has(line) && known.size >= this.#most) return other;
    known.add(line);
    return line;
  }
}

/** Without what could steer a terminal or break a line. */
export function oneLine(text: string): string {
  return text.slice(0, mostChars).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

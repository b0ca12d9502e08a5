/** Value of the conventions for an unnamed value. */
const other = "_OTHER";
const mostChars = 128;

/**
 * Limits on label values: each value makes time series of its own, and clients and servers choose some of them. Each label keeps at most
 * `most` distinct values, each a short line.
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

/** Removes what could steer a terminal or break a line. */
export function oneLine(text: string): string {
  return text.slice(0, mostChars).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

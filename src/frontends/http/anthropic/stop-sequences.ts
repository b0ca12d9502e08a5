/**
 * Texts at which an answer ends for its caller. Not every provider supports them, so the model's text is cut here. Text that may begin a
 * sequence is held back until it is clear.
 */
export class StopSequences {
  readonly #sequences: readonly string[];
  #held = "";
  found: string | undefined;

  constructor(sequences: readonly string[]) {
    this.#sequences = sequences;
  }

  /** Returns the text that may be shown by now. */
  take(text: string): string {
    if (this.#sequences.length === 0 || this.found !== undefined) return this.found === undefined ? text : "";
    const all = this.#held + text;
    const hits = this.#sequences
      .map((sequence) => ({ sequence, at: all.indexOf(sequence) }))
      .filter(({ at }) => at >= 0);
    const [first] = hits.sort((one, other) => one.at - other.at);
    if (first) {
      this.found = first.sequence;
      this.#held = "";
      return all.slice(0, first.at);
    }
    const keep = Math.max(...this.#sequences.map((sequence) => beginningAtEnd(all, sequence)));
    this.#held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }

  /** Returns the text that was held back, at the end of an answer. */
  rest(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}

/** Returns how many characters at the end of the text begin the sequence. */
function beginningAtEnd(text: string, sequence: string): number {
  for (let length = Math.min(sequence.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(sequence.slice(0, length))) return length;
  }
  return 0;
}

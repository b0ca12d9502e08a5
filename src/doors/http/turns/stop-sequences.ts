/**
 * Finds the stop sequences of a call: texts at which the answer has to end. Not every provider supports stop sequences, so this host cuts
 * the text itself. Text that may be the beginning of a stop sequence is held back until the next text shows whether it is one.
 * `endedAt` in `turn/hop.ts` cuts the stored answer in the same way, but keeps the sequence.
 */
import { largest } from "../../../core/lists/long-lists.js";
import { firstStop } from "../../../core/text/excerpt.js";

export class StopSequences {
  readonly #sequences: readonly string[];
  #held = "";
  found: string | undefined;

  constructor(sequences: readonly string[]) {
    this.#sequences = sequences;
  }

  /** Takes the next text of the answer. Returns the text that may be shown now. */
  take(text: string): string {
    if (this.#sequences.length === 0 || this.found !== undefined) return this.found === undefined ? text : "";
    const all = this.#held + text;
    const stop = firstStop(all, this.#sequences);
    if (stop) {
      this.found = stop.sequence;
      this.#held = "";
      return all.slice(0, stop.at);
    }
    const keep = largest(this.#sequences.map((sequence) => beginningAtEnd(all, sequence)));
    this.#held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }

  /** Returns the text that is still held back. Called at the end of an answer. */
  rest(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

/** Returns the length of the longest end of `text` that is a beginning of `sequence`. */
function beginningAtEnd(text: string, sequence: string): number {
  for (let length = Math.min(sequence.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(sequence.slice(0, length))) return length;
  }
  return 0;
}

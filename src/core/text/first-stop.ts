/** Returns the stop sequence that comes first in the text. Of several at the same position, returns the one that comes first in the list. */
export function firstStop(text: string, sequences: readonly string[]): { at: number; sequence: string } | undefined {
  const found = sequences.map((sequence) => ({ at: text.indexOf(sequence), sequence })).filter(({ at }) => at >= 0);
  return found.sort((one, other) => one.at - other.at)[0];
}

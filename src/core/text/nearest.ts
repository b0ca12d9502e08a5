/**
 * Returns up to `count` candidates that are similar to the word, the best first. A candidate is similar if the number of edits between the
 * two is at most a third of the word's length.
 */
export function nearest(word: string, candidates: readonly string[], count: number): string[] {
  const limit = Math.max(1, Math.floor(word.length / 3));
  return candidates
    .filter((candidate) => Math.abs(candidate.length - word.length) <= limit) // otherwise, comparing a very long word would be slow
    .map((candidate) => ({ candidate, edits: editDistance(word, candidate) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Counts the edits between two words, ignoring case. Swapping two neighbouring letters counts as one edit (optimal string alignment). */
function editDistance(left: string, right: string): number {
  const a = left.toLowerCase();
  const b = right.toLowerCase();
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Formats ` (did you mean a or b?)`. Returns "" if no name is similar. */
export function didYouMean(name: string, names: readonly string[]): string {
  const near = nearest(name, names, 3);
  return near.length > 0 ? ` (did you mean ${near.join(" or ")}?)` : "";
}

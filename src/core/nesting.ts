/**
 * Deepest nesting of lists and objects. JSON.parse reads any depth, JSON.stringify fails beyond some thousands, and SQLite, which reads
 * values as part of their events, beyond 1,000.
 */
const deepest = 500;

/** True if the value, parsed from JSON, can be written as JSON again as part of something else. */
export function isWritable(value: unknown, levels = deepest): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWritable(inner, levels - 1));
}

/**
 * Deepest allowed nesting of lists and objects. JSON.parse reads any depth, but JSON.stringify fails beyond some thousands. SQLite, which
 * reads a value as part of its event, fails beyond 1,000.
 */
const deepest = 500;

/** True if this value, parsed from JSON, is shallow enough to be written again as a part of other JSON. */
export function isWritable(value: unknown, levels = deepest): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWritable(inner, levels - 1));
}

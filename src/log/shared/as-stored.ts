/**
 * Returns the value as it would be after a round trip through JSON. After this, values that differ only in what JSON cannot express are
 * equal.
 */
export function asStored(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Lists and objects within each other: what is deeper cannot be written as JSON again, as part of something else. */
const deepest = 1_000;

/** The arguments that a model wrote, as JSON. Undefined where they do not parse, or could not be written again. */
export function parsedArguments(text: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isWithin(value, deepest) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWithin(inner, levels - 1));
}

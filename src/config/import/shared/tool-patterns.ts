/**
 * Returns patterns for the names that match `pattern` when `prefix` stands before them. In `pattern`, `*` is any text and `?` any one
 * character. Because patterns here have no `?`, it becomes `*` in the result.
 */
export function withoutPrefix(prefix: string, pattern: string): string[] {
  let rests = new Set([pattern.replaceAll(/\*+/g, "*")]);
  for (const character of prefix) {
    const next = new Set<string>();
    for (const rest of rests) {
      const literal = rest.startsWith("*") ? rest.slice(1) : rest;
      if (literal !== rest) next.add(rest);
      if (literal.startsWith(character) || literal.startsWith("?")) next.add(literal.slice(1));
    }
    rests = next;
  }
  return [...rests].filter((rest) => rest !== "").map((rest) => rest.replaceAll("?", "*"));
}

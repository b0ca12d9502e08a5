/**
 * Returns true if the text matches the glob, in which only `*` is special. Builds no regular expression and does not backtrack. Spellings
 * that Unicode calls canonically equivalent are equal: an `é` may be one character or two.
 */
export function globMatches(givenPattern: string, givenText: string): boolean {
  const [pattern, text] = [givenPattern.normalize(), givenText.normalize()];
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === text;
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length) return false;
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.endsWith(last) && text.length - last.length >= position;
}

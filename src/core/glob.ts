/**
 * Returns true if the text matches the glob, in which only `*` is special. Takes time linear in both texts, even if they are hostile: it
 * builds no regular expression and searches the parts without backtracking. (`indexOf` may backtrack: 20 s for a part of 200 kB in a text
 * of 1 MB.)
 */
export function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === text;
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length) return false;
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = find(part, text, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.endsWith(last) && text.length - last.length >= position;
}

/** Searches like `text.indexOf(part, from)`, by Knuth, Morris and Pratt. */
function find(part: string, text: string, from: number): number {
  if (part === "") return from;
  const borders = bordersOf(part);
  let matched = 0;
  for (let position = from; position < text.length; position++) {
    matched = longer(part, borders, matched, text[position]);
    if (matched === part.length) return position + 1 - matched;
  }
  return -1;
}

/** Returns, for each prefix of `part`, the length of the longest shorter prefix that is also its ending. */
function bordersOf(part: string): Uint32Array {
  const borders = new Uint32Array(part.length);
  let matched = 0;
  for (let end = 1; end < part.length; end++) {
    matched = longer(part, borders, matched, part[end]);
    borders[end] = matched;
  }
  return borders;
}

/** Returns how many characters of the part's start are matched after reading the character `next`. */
function longer(part: string, borders: Uint32Array, matched: number, next: string | undefined): number {
  let length = matched;
  while (length > 0 && part[length] !== next) length = borders[length - 1] ?? 0;
  return part[length] === next ? length + 1 : length;
}

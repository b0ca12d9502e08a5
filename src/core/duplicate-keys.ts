/**
 * Returns the first key that occurs twice in one object of this JSON. Parsers disagree on which of its values counts, so a person could be
 * shown another value than the one used. The text must be valid JSON. Takes linear time.
 */
export function duplicateKey(json: string): string | undefined {
  /** Keys seen so far in each object that is still open; undefined for an open list. */
  const open: (Set<string> | undefined)[] = [];
  token.lastIndex = 0;
  for (let match = token.exec(json); match; match = token.exec(json)) {
    const [text, , colon] = match;
    if (text === "{") open.push(new Set());
    else if (text === "[") open.push(undefined);
    else if (text === "}" || text === "]") open.pop();
    else if (colon) {
      const key: string = JSON.parse(match[1] ?? "");
      const known = open.at(-1);
      if (known?.has(key)) return key;
      known?.add(key);
    }
  }
  return undefined;
}

const token = /[{}[\]]|("(?:[^"\\]|\\.)*")(\s*:)?/gs;

/**
 * Returns the first key that an object of this JSON has twice. Parsers disagree on which one counts, so a reader could be shown another
 * value than the one used. The text must be valid JSON; takes linear time.
 */
export function duplicateKey(json: string): string | undefined {
  /** Keys of the open objects; undefined for a list. */
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

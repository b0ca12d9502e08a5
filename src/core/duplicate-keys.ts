/**
 * The first key that an object of this JSON has twice. Parsers disagree on which of the two counts, so that a reader could be
 * shown another value than the one that is used. The text has to be valid JSON; takes linear time.
 */
export function duplicateKey(json: string): string | undefined {
  /** Keys of the objects that are open, undefined for a list. */
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

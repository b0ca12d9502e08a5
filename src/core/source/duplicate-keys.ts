/**
 * Returns the first key that occurs twice in one object of this JSON. Parsers disagree on which of the two values counts, so the value that
 * a person is shown could differ from the value that is used. The text must be valid JSON. Takes linear time.
 */
export function duplicateKey(json: string): string | undefined {
  /** For each object or list that is open: the keys seen so far, or undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (char === "{") open.push(new Set());
    else if (char === "[") open.push(undefined);
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = endOfString(json, at);
      colon.lastIndex = end;
      if (colon.test(json)) {
        const key: string = JSON.parse(json.slice(at, end));
        const known = open.at(-1);
        if (known?.has(key)) return key;
        known?.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

const colon = /\s*:/y;

/** Returns the index after the string that begins at `start`. A regular expression would run out of stack in a string of some megabytes. */
function endOfString(json: string, start: number): number {
  let quote = start;
  let isEscaped: boolean;
  do {
    quote = json.indexOf('"', quote + 1);
    if (quote < 0) return json.length;
    let first = quote;
    while (json[first - 1] === "\\") first--;
    isEscaped = (quote - first) % 2 === 1;
  } while (isEscaped);
  return quote + 1;
}

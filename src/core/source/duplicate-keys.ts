import { endOfString } from "../json.js";

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

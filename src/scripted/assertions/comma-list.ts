import type { AssertionProblem } from "./kind.js";
import { quoted, shown } from "./words.js";

/**
 * Reads a list of texts. The value is either a list, or one text with commas between the items. In such a text, an item that contains a
 * comma is written in double quotes, and a `"` inside the quotes is written as `""` or `\"`.
 */
export function readList(value: unknown): string[] | AssertionProblem {
  const texts = typeof value === "string" ? split(value) : Array.isArray(value) ? value : [];
  if ("problem" in texts) return texts;
  const isText = (one: unknown) =>
    (typeof one === "string" && one !== "") || typeof one === "number" || typeof one === "boolean";
  if (texts.length === 0 || !texts.every(isText)) {
    return { problem: `expected value to be a list of texts, or texts between commas, got ${shown(value)}` };
  }
  return texts.map(String);
}

const item = /\s*(?:"((?:[^"\\]|\\.|"")*)"\s*|([^",][^,]*)?)(?:,|$)/sy;

function split(text: string): string[] | AssertionProblem {
  const texts: string[] = [];
  item.lastIndex = 0;
  for (let at = 0; at < text.length; at = item.lastIndex) {
    const [match, inner, plain = ""] = item.exec(text) ?? [];
    if (match === undefined) return { problem: `expected texts between commas, got ${quoted(text.slice(at))}` };
    const one = inner?.replaceAll(/""|\\(["\\])/g, (_, mark = '"') => mark) ?? plain.trim();
    if (one !== "") texts.push(one);
  }
  return texts;
}

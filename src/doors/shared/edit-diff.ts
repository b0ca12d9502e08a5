import { asArray, asObject, type JsonObject } from "../../core/json.js";

/** Names that tools for files give to the text that goes and the text that comes. */
const namesOfEdit = [
  ["old_string", "new_string"],
  ["old_str", "new_str"],
  ["oldText", "newText"],
] as const;

/**
 * Separates the arguments of a call that edits a file: each edit as the text of a diff, and the rest, which has everything that no diff
 * shows. A list `edits` stays in the rest, whole, if one of its entries is not only an edit.
 */
export function editsIn(values: JsonObject): { edits: string[]; rest: JsonObject } {
  const own = apart(values);
  const several = asArray(values.edits).map(apart);
  const isShown = several.length > 0 && several.every(({ edits, rest }) => edits.length > 0 && isEmpty(rest));
  const { edits: list, ...others } = own.rest;
  return { edits: [own, ...several].flatMap(({ edits }) => edits), rest: isShown ? others : own.rest };
}

/** Takes the edits out of the value. The rest is empty if the value is not an object. */
function apart(value: unknown): { edits: string[]; rest: JsonObject } {
  const rest = { ...asObject(value) };
  const edits = namesOfEdit.flatMap(([old, fresh]) => {
    const [from, to] = [rest[old], rest[fresh]];
    if (typeof from !== "string" || typeof to !== "string") return [];
    delete rest[old];
    delete rest[fresh];
    return [diffOf(from.split("\n"), to.split("\n")).join("\n")];
  });
  return { edits, rest };
}

function isEmpty(values: JsonObject): boolean {
  return Object.keys(values).length === 0;
}

/** Returns the lines of both texts as a diff: the equal lines at both ends once, those between them as taken out and put in. */
function diffOf(from: readonly string[], to: readonly string[]): string[] {
  const most = Math.min(from.length, to.length);
  let start = 0;
  while (start < most && from[start] === to[start]) start++;
  let end = 0;
  while (end < most - start && from.at(-1 - end) === to.at(-1 - end)) end++;
  const marked = (sign: string, lines: readonly string[]) => lines.map((line) => `${sign} ${line}`);
  const [out, put] = [from, to].map((lines) => lines.slice(start, lines.length - end)) as [string[], string[]];
  return [
    ...marked(" ", from.slice(0, start)),
    ...marked("-", out),
    ...marked("+", put),
    ...marked(" ", from.slice(from.length - end)),
  ];
}

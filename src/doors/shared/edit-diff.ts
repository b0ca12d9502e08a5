import { isPlainObject, type JsonObject } from "../../core/json.js";

/** Names that tools for files give to the text that goes and the text that comes. */
const namesOfEdit = [
  ["old_string", "new_string"],
  ["old_str", "new_str"],
  ["oldText", "newText"],
] as const;

const partsOfEdit: ReadonlySet<string> = new Set(["edits", ...namesOfEdit.flat()]);

/** Separates the arguments of a call that edits a file: each edit as the text of a diff, and the other arguments. */
export function editsIn(values: JsonObject): { edits: string[]; rest: JsonObject } {
  const several: unknown[] = Array.isArray(values.edits) ? values.edits : [];
  const edits = [values, ...several].flatMap(editIn);
  if (edits.length === 0) return { edits, rest: values };
  return { edits, rest: Object.fromEntries(Object.entries(values).filter(([name]) => !partsOfEdit.has(name))) };
}

function editIn(value: unknown): string[] {
  if (!isPlainObject(value)) return [];
  return namesOfEdit.flatMap(([old, fresh]) => {
    const [from, to] = [value[old], value[fresh]];
    if (typeof from !== "string" || typeof to !== "string") return [];
    return [diffOf(from.split("\n"), to.split("\n")).join("\n")];
  });
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

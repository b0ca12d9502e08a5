import { isPlainObject } from "../../core/json.js";
import { visibleJson } from "../../core/text/inert.js";
import { CodeBlock } from "../markdown/code-block.js";

/** Shows the arguments of a call as names and values, texts with their line breaks, and what an edit of a file changes as a diff. */
export function CallValues({ text }: { text: string }) {
  const values = objectIn(text);
  if (!values) return <CodeBlock language="json" text={visibleJson(text)} wraps />;
  const edits = [values, ...listOf(values.edits)].flatMap(editIn);
  const shown = Object.entries(values).filter(([name]) => edits.length === 0 || !partsOfEdit.has(name));
  if (Object.keys(values).length === 0) return <p class="quiet small">Without arguments.</p>;
  return (
    <>
      {shown.length > 0 && (
        <dl class="values">
          {shown.map(([name, value]) => (
            <div key={name}>
              <dt>{visibleJson(name)}</dt>
              <dd>{visibleJson(typeof value === "string" ? value : JSON.stringify(value, null, 2))}</dd>
            </div>
          ))}
        </dl>
      )}
      {edits.map((edit) => (
        <CodeBlock language="diff" text={visibleJson(edit)} wraps />
      ))}
    </>
  );
}

/** Returns the arguments of a call in one line. */
export function callLine(text: string): string {
  const values = Object.entries(objectIn(text) ?? {});
  const named = values.map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return visibleJson(named.join(", ").slice(0, mostInLine));
}

/** Maximum length of a line of arguments, in characters. */
const mostInLine = 200;

export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Names that tools for files give to the text that goes and the text that comes. */
const namesOfEdit = [
  ["old_string", "new_string"],
  ["old_str", "new_str"],
  ["oldText", "newText"],
] as const;

const partsOfEdit: ReadonlySet<string> = new Set(["edits", ...namesOfEdit.flat()]);

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

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

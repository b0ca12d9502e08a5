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

function objectIn(text: string): Record<string, unknown> | undefined {
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
    return [[...marked("-", from), ...marked("+", to)].join("\n")];
  });
}

function marked(sign: string, text: string): string[] {
  return text === "" ? [] : text.split("\n").map((line) => `${sign} ${line}`);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

import { asObject, type JsonObject, parseJson } from "../../core/json.js";
import { visibleJson } from "../../core/text/inert.js";
import { editsIn } from "../../doors/shared/edit-diff.js";
import { CodeBlock } from "../markdown/code-block.js";

/** Shows the arguments of a call as names and values, texts with their line breaks, and what an edit of a file changes as a diff. */
export function CallValues({ text }: { text: string }) {
  const values = objectIn(text);
  if (!values) return <CodeBlock language="json" text={visibleJson(text)} wraps />;
  const { edits, rest } = editsIn(values);
  const shown = Object.entries(rest);
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

export function objectIn(text: string): JsonObject | undefined {
  return asObject(parseJson(text));
}

import type { TextareaHTMLAttributes } from "preact";

/** A field for JSON. The browser does not submit a form in which the JSON of such a field is not valid. */
export function JsonField({ text, ...attributes }: TextareaHTMLAttributes & { text: string }) {
  const check = (field: HTMLTextAreaElement | null) => field?.setCustomValidity(jsonProblem(field.value));
  return (
    <textarea
      {...attributes}
      ref={check}
      class="json"
      spellcheck={false}
      defaultValue={text}
      onInput={({ currentTarget }) => check(currentTarget)}
    />
  );
}

function jsonProblem(text: string): string {
  try {
    if (text.trim() !== "") JSON.parse(text);
    return "";
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : ""}`;
  }
}

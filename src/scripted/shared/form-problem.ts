import type { Question } from "../../core/events.js";
import { isPlainObject } from "../../core/json.js";
import { fillIn } from "../../mcp/callbacks/elicitation.js";

/**
 * Resolves with why the entered content does not fit the question's form. The host asks such a form again. Resolves with undefined if the
 * content fits, and if the value accepts no form.
 */
export async function problemInForm(value: unknown, question: Question): Promise<string | undefined> {
  if (!("form" in question && isPlainObject(value) && value.action === "accept")) return undefined;
  return (await fillIn(question.form, value.content)).problem;
}

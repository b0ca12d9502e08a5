import { messageOf, ScriptError } from "../core/errors.js";
import { evaluate } from "./sandbox/sandbox.js";
import type { ScriptPosition } from "./shared/script-position.js";
import { positionText } from "./shared/script-position.js";
import { asExpression, isTemplate, render } from "./shared/templates.js";
import type { Variables } from "./shared/variables.js";

/** Evaluates a condition, which is one template or a JavaScript expression with the script's variables. Rejects with ScriptError. */
export async function holds(
  condition: string,
  { variables, position }: { variables: Variables; position: ScriptPosition },
): Promise<boolean> {
  if (isTemplate(condition)) return Boolean(render<unknown>(condition.trim(), variables, position));
  try {
    return Boolean(await evaluate(asExpression(condition), variables.all()));
  } catch (error) {
    throw new ScriptError("condition", `${positionText(position)}: ${condition}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

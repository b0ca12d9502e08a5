import { isPlainObject } from "../../core/json.js";
import type { StepOf } from "../shared/script.js";
import { renderText } from "../shared/templates.js";
import { type Performed, plainOutcome, type StepContext } from "./performed.js";

/** Reads a resource. The output of the step is the text of the resource; other content is left out. */
export async function performResource(step: StepOf<"resource">, context: StepContext): Promise<Performed> {
  const { host, variables, limits } = context;
  const uri = renderText(step.uri, variables, step.place);
  const startedAt = host.now();
  const { contents } = await host.mcpResults.resourceAt(uri).read(limits.signal);
  const texts = (Array.isArray(contents) ? contents : []).filter(isPlainObject).map(({ text }) => text);
  const output = texts.filter((text) => typeof text === "string").join("\n");
  return { outcome: plainOutcome(output, host.now() - startedAt) };
}

import { McpError } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import type { ServedResource } from "../../core/ports.js";
import type { StepOf } from "../shared/script.js";
import { renderText } from "../shared/templates.js";
import { type Performed, plainOutcome, type StepContext } from "./performed.js";
import { notOffered, untilOffered } from "./server-wait.js";

/** Reads a resource. The output of the step is the text of the resource; other content is left out. */
export async function performResource(step: StepOf<"resource">, context: StepContext): Promise<Performed> {
  const { host, variables, limits } = context;
  const uri = renderText(step.uri, variables, step.place);
  // Always waits: several servers may offer the address, and the same one has to be chosen in every run.
  await untilOffered(context);
  const startedAt = host.now();
  const { contents } = await resourceAt(uri, context).read(limits.signal);
  const texts = (Array.isArray(contents) ? contents : []).filter(isPlainObject).map(({ text }) => text);
  const output = texts.filter((text) => typeof text === "string").join("\n");
  return { outcome: plainOutcome(output, host.now() - startedAt) };
}

function resourceAt(uri: string, { host }: StepContext): ServedResource {
  try {
    return host.mcpResults.resourceAt(uri);
  } catch (error) {
    throw error instanceof McpError && error.kind === "not_found" ? notOffered(error.message, host.hub) : error;
  }
}

import type { StepOf } from "../shared/script.js";
import { render, renderText } from "../shared/templates.js";
import type { Performed, StepContext } from "./performed.js";
import { performTurn } from "./turn.js";

/**
 * Runs a turn with a prompt of a server. The step names the prompt as `server.prompt`, or by the prompt's name in the host. Rejects if the
 * prompt does not exist or if the server does not return it.
 */
export async function performPrompt(step: StepOf<"prompt">, context: StepContext): Promise<Performed> {
  const { host, variables, limits } = context;
  const written = renderText(step.prompt, variables, step.place);
  const prompt = host.mcpResults.prompts().find(({ server, own }) => `${server}.${own}` === written);
  const args = Object.entries(render(step.args, variables, step.place)).map(([key, value]) => [key, asText(value)]);
  const name = prompt?.name ?? written;
  return performTurn(await host.hub.applyPrompt(name, Object.fromEntries(args), limits.signal), context);
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

import { didYouMean } from "../../core/text/nearest.js";
import type { StepOf } from "../shared/script.js";
import { render, renderText } from "../shared/templates.js";
import type { Performed, StepContext } from "./performed.js";
import { notOffered, untilOffered } from "./server-wait.js";
import { performTurn } from "./turn.js";

/**
 * Runs a turn with a prompt of a server. The step names the prompt as `server.prompt`, or by the prompt's name in the host. Rejects if the
 * prompt does not exist or if the server does not return it.
 */
export async function performPrompt(step: StepOf<"prompt">, context: StepContext): Promise<Performed> {
  const { host, variables, limits } = context;
  const name = await findPrompt(renderText(step.prompt, variables, step.position), context);
  const args = Object.entries(render(step.args, variables, step.position)).map(([key, value]) => [key, asText(value)]);
  return performTurn(await host.hub.applyPrompt(name, Object.fromEntries(args), limits.signal), context);
}

/** Returns the prompt's name in the host. Waits for servers if the prompt is not known yet. */
async function findPrompt(written: string, context: StepContext): Promise<string> {
  const { hub } = context.host;
  const { mcpResults } = hub;
  const find = () =>
    mcpResults.prompts().find(({ server, own, name }) => `${server}.${own}` === written || name === written);
  if (!find()) await untilOffered(context);
  const found = find();
  if (found) return found.name;
  const names = mcpResults.prompts().map(({ name }) => name);
  throw notOffered(`there is no prompt ${written}${didYouMean(written, names)}`, hub, written);
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

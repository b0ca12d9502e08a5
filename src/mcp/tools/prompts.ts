import { McpError } from "../../core/errors.js";
import type { ContentPart } from "../../core/messages.js";
import { modelName } from "../../core/patterns/model-name.js";
import { didYouMean } from "../../core/text/nearest.js";
import { promptParts } from "../protocol/result-content.js";
import type { SupervisedServer } from "../server/supervised-server.js";

/** Returns the messages of a server's prompt as one user message. Rejects with McpError if the prompt or a required argument is missing. */
export async function applyPrompt(
  servers: readonly SupervisedServer[],
  name: string,
  args: Record<string, string>,
  signal?: AbortSignal,
): Promise<ContentPart[]> {
  for (const server of servers) {
    const prompt = server.lists.prompts.find((listed) => modelName(server.config.name, listed.name) === name);
    if (!prompt) continue;
    const missing = prompt.arguments.filter((argument) => argument.required && args[argument.name] === undefined);
    if (missing.length === 0) {
      await server.startForUse(signal);
      return promptParts(await server.connection.getPrompt(prompt.name, args, signal));
    }
    const names = missing.map((argument) => argument.name).join(", ");
    throw new McpError("protocol", `the prompt ${name} needs ${names}`);
  }
  const names = servers.flatMap(({ config, lists }) =>
    lists.prompts.map((listed) => modelName(config.name, listed.name)),
  );
  throw new McpError("not_found", `there is no prompt ${name}${didYouMean(name, names)}`);
}

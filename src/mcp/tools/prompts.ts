import { McpError } from "../../core/errors.js";
import type { ContentPart } from "../../core/messages.js";
import { modelName } from "../../core/patterns/model-name.js";
import { didYouMean } from "../../core/text/nearest.js";
import type { ListedPrompt } from "../lists/listed.js";
import { promptParts } from "../protocol/result-content.js";
import type { SupervisedServer } from "../server/supervised-server.js";

/** Returns the messages of a server's prompt as one user message. Rejects with McpError if the prompt or a required argument is missing. */
export async function applyPrompt(
  servers: readonly SupervisedServer[],
  name: string,
  args: Record<string, string>,
  signal?: AbortSignal,
): Promise<ContentPart[]> {
  const found = findPrompt(servers, name);
  if (!found) {
    const names = namedPrompts(servers).map((named) => named.name);
    throw new McpError("not_found", `there is no prompt ${name}${didYouMean(name, names)}`);
  }
  const { server, prompt } = found;
  const missing = prompt.arguments.filter((argument) => argument.required && args[argument.name] === undefined);
  if (missing.length > 0) {
    const names = missing.map((argument) => argument.name).join(", ");
    throw new McpError("protocol", `the prompt ${name} needs ${names}`);
  }
  await server.startForUse(signal);
  return promptParts(await server.connection.getPrompt(prompt.name, args, signal));
}

interface NamedPrompt {
  /** The name that this host gives to the prompt. */
  name: string;
  server: SupervisedServer;
  /** The prompt as the server lists it, under its own name. */
  prompt: ListedPrompt;
}

export function namedPrompts(servers: readonly SupervisedServer[]): NamedPrompt[] {
  return servers.flatMap((server) =>
    server.lists.prompts.map((prompt) => ({ name: modelName(server.config.name, prompt.name), server, prompt })),
  );
}

/** Returns the first prompt that this host gives the name to, or undefined. */
export function findPrompt(servers: readonly SupervisedServer[], name: string): NamedPrompt | undefined {
  return namedPrompts(servers).find((named) => named.name === name);
}

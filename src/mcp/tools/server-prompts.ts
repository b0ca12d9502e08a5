/** The prompts of all servers, under the names that the model and clients see. */
import { modelName } from "../../core/patterns/model-name.js";
import type { ListedPrompt } from "../lists/listed.js";
import type { SupervisedServer } from "../server/supervised-server.js";

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

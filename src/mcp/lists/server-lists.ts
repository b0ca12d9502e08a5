import { McpError, messageOf } from "../../core/errors.js";
import { textOrEmpty } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import {
  type ListedPrompt,
  type ListedResource,
  type ListedTemplate,
  type ListedTool,
  promptList,
  resourceList,
  templateList,
  toolListKind,
} from "./listed.js";
import { type AskServer, type Listed, listAll } from "./listing.js";

export interface ServerLists {
  tools: ListedTool[];
  prompts: ListedPrompt[];
  resources: ListedResource[];
  templates: ListedTemplate[];
  /** The server's text that says how to use its tools, prompts and resources; "" if the server sends no such text. */
  instructions: string;
  problems: string[];
}

export const emptyLists: ServerLists = {
  tools: [],
  prompts: [],
  resources: [],
  templates: [],
  instructions: "",
  problems: [],
};

const maxInstructionChars = 10_000;

interface ListReading {
  instructions: string | undefined;
  ask: AskServer;
  /**
   * Sends a request like `ask`, but with a shorter timeout. Used for optional lists: a list that hangs must not delay the tools for long.
   */
  askBriefly: AskServer;
  objectionTo(inputSchema: JsonSchema): string | undefined;
}

/**
 * Reads the lists that the server declared. Rejects if the tools cannot be listed. If another list cannot be read, that list is empty, and
 * `problems` of the result gives the reason.
 */
export async function readLists(
  declared: { tools?: object; prompts?: object; resources?: object },
  { ask, askBriefly, objectionTo, instructions }: ListReading,
): Promise<ServerLists> {
  const [tools, prompts, resources, templates] = await Promise.all([
    declared.tools ? listAll(ask, toolListKind) : nothing,
    declared.prompts ? listAll(askBriefly, promptList).catch(asProblemOf(promptList.method)) : nothing,
    declared.resources ? listAll(askBriefly, resourceList).catch(asProblemOf(resourceList.method)) : nothing,
    declared.resources ? listAll(askBriefly, templateList).catch(asProblemOf(templateList.method)) : nothing,
  ]);
  const objections = tools.items.flatMap(({ name, inputSchema }) => {
    const objection = objectionTo(inputSchema);
    return objection === undefined ? [] : [`${name}: ${objection}`];
  });
  return {
    tools: tools.items.filter(({ inputSchema }) => objectionTo(inputSchema) === undefined),
    prompts: prompts.items,
    resources: resources.items,
    templates: templates.items,
    instructions: textOrEmpty(instructions).slice(0, maxInstructionChars),
    problems: [...[tools, prompts, resources, templates].flatMap(({ problems }) => problems), ...objections],
  };
}

const nothing: Listed<never> = { items: [], problems: [] };

/**
 * Returns an error handler that turns a failed read into an empty list with a problem. If the server does not know the method, the list is
 * empty without a problem: many servers declare resources but have no templates.
 */
function asProblemOf(method: string): (error: unknown) => Listed<never> {
  return (error) => {
    if (error instanceof McpError && error.kind === "not_found") return nothing;
    return { items: [], problems: [`${method}: ${messageOf(error)}`] };
  };
}

import type { JsonSchema } from "../core/chat.js";
import { McpError, messageOf } from "../core/errors.js";
import { asText } from "./json.js";
import {
  type ListedPrompt,
  type ListedResource,
  type ListedTemplate,
  type ListedTool,
  promptList,
  resourceList,
  templateList,
  toolList,
} from "./listed.js";
import { type Ask, type Listed, listAll } from "./listing.js";

/** Everything that a server offers. */
export interface ServerLists {
  tools: ListedTool[];
  prompts: ListedPrompt[];
  resources: ListedResource[];
  templates: ListedTemplate[];
  /** How to use all that, in the server's words; "" where it says nothing. */
  instructions: string;
  /** What was left out, and why. */
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

/** More is not kept. */
const maxInstructionChars = 10_000;

interface Reading {
  instructions: string | undefined;
  ask: Ask;
  /** For what is an extra: a list that hangs must not keep the tools away for long. */
  askBriefly: Ask;
  /** Why a tool with these parameters must not be offered. */
  objectionTo(inputSchema: JsonSchema): string | undefined;
}

/** Reads what the server declared. Rejects when its tools cannot be listed; for prompts and resources that is a problem only. */
export async function readLists(
  declared: { tools?: object; prompts?: object; resources?: object },
  { ask, askBriefly, objectionTo, instructions }: Reading,
): Promise<ServerLists> {
  const [tools, prompts, resources, templates] = await Promise.all([
    declared.tools ? listAll(ask, toolList) : nothing,
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
    instructions: asText(instructions).slice(0, maxInstructionChars),
    problems: [...[tools, prompts, resources, templates].flatMap(({ problems }) => problems), ...objections],
  };
}

const nothing: Listed<never> = { items: [], problems: [] };

/** A server without the method declares more than it has (many do, for templates): there is nothing to list. */
function asProblemOf(method: string): (error: unknown) => Listed<never> {
  return (error) => {
    if (error instanceof McpError && error.kind === "not_found") return nothing;
    return { items: [], problems: [`${method}: ${messageOf(error)}`] };
  };
}

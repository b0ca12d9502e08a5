/**
 * What servers list, as it is passed on. Clients check a whole list at once, so that one field of one server that is not what the
 * protocol says would take all other items from them: such a field is left out.
 */
import {
  type Prompt,
  PromptSchema,
  type Resource,
  ResourceSchema,
  type ResourceTemplate,
  ResourceTemplateSchema,
  type Tool,
  ToolSchema,
} from "@modelcontextprotocol/sdk/types.js";

type Item = Record<string, unknown>;

/** What is needed of the SDK's schemas. */
interface Schema {
  safeParse(item: unknown): { success: boolean; error?: { issues: readonly { path: readonly PropertyKey[] }[] } };
}

/** A tool that must be run as a task is listed as one that can be: this host runs the task itself and answers with its result. */
export function listedTool(item: Item): Tool {
  const { name, execution } = item;
  const mustBeTask =
    typeof execution === "object" &&
    execution !== null &&
    "taskSupport" in execution &&
    execution.taskSupport === "required";
  const passed = mustBeTask ? { ...item, execution: { ...execution, taskSupport: "optional" } } : item;
  return valid(ToolSchema, passed, { name, inputSchema: { type: "object" } }) as Tool;
}

/** `known`: the arguments, where the server lists them in another way than the protocol does. */
export function listedPrompt(item: Item, known: readonly Item[]): Prompt {
  return valid(PromptSchema, item, { name: item.name, arguments: known }) as Prompt;
}

export function listedResource(item: Item): Resource {
  return valid(ResourceSchema, item, { name: item.uri, uri: item.uri }) as Resource;
}

export function listedTemplate(item: Item): ResourceTemplate {
  return valid(ResourceTemplateSchema, item, {
    name: item.uriTemplate,
    uriTemplate: item.uriTemplate,
  }) as ResourceTemplate;
}

/** The item with the fields that are valid; for the others, those of `least`. */
function valid(schema: Schema, item: Item, least: Item): Item {
  const { success, error } = schema.safeParse(item);
  if (success) return item;
  const wrong = new Set(error?.issues.map(({ path: [field] }) => field));
  return { ...least, ...Object.fromEntries(Object.entries(item).filter(([field]) => !wrong.has(field))) };
}

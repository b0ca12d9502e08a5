/**
 * Items of the servers' lists, without their invalid fields. A client validates a list as a whole: an invalid field in one item would make
 * the client lose all other items.
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

type ServerItem = Record<string, unknown>;

interface Schema {
  safeParse(item: unknown): { success: boolean; error?: { issues: readonly { path: readonly PropertyKey[] }[] } };
}

/**
 * Returns a server's tool as the client's list shows it. A tool that must run as a task is listed as a tool that can also be called
 * directly: this host runs the task and answers with the task's result.
 */
export function listedTool(item: ServerItem): Tool {
  const { name, execution } = item;
  const mustBeTask =
    typeof execution === "object" &&
    execution !== null &&
    "taskSupport" in execution &&
    execution.taskSupport === "required";
  const passed = mustBeTask ? { ...item, execution: { ...execution, taskSupport: "optional" } } : item;
  return valid(ToolSchema, passed, { name, inputSchema: { type: "object" } }) as Tool;
}

/**
 * Returns a server's prompt as the client's list shows it. `known` are the prompt's arguments as this host has read them. They replace
 * `arguments` if the server's own `arguments` are invalid.
 */
export function listedPrompt(item: ServerItem, known: readonly ServerItem[]): Prompt {
  return valid(PromptSchema, item, { name: item.name, arguments: known }) as Prompt;
}

export function listedResource(item: ServerItem): Resource {
  return valid(ResourceSchema, item, { name: item.uri, uri: item.uri }) as Resource;
}

export function listedTemplate(item: ServerItem): ResourceTemplate {
  return valid(ResourceTemplateSchema, item, {
    name: item.uriTemplate,
    uriTemplate: item.uriTemplate,
  }) as ResourceTemplate;
}

/** Returns the item without its invalid fields. If a required field is invalid, its value is taken from `least`. */
function valid(schema: Schema, item: ServerItem, least: ServerItem): ServerItem {
  const { success, error } = schema.safeParse(item);
  if (success) return item;
  const wrong = new Set(error?.issues.map(({ path: [field] }) => field));
  return { ...least, ...Object.fromEntries(Object.entries(item).filter(([field]) => !wrong.has(field))) };
}

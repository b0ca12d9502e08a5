/** The items of a server's lists, read leniently: what can be used is used, and only what cannot is refused, with its reason. */
import type { JsonSchema } from "../core/chat.js";
import type { PromptInfo, ResourceInfo } from "../core/ports.js";
import { type Definition, definitionOf } from "./definition.js";
import { asArray, asText, isRecord, type Json } from "./json.js";
import type { ListKind } from "./listing.js";

export interface ListedTool {
  name: string;
  description: string;
  inputSchema: JsonSchema;
  outputSchema?: JsonSchema;
  title?: string;
  /** As the server says them, whoever trusts it. */
  annotations?: Json;
  /** Whether the tool can, or must, be run as a task. */
  isTask?: true;
  /** MCP Apps: for the pages that the server brings, not for the model. */
  isForApps?: true;
  readOnly: boolean;
  idempotent: boolean;
  /** Absent where the server does not say. */
  destructive?: boolean;
  openWorld?: boolean;
  definition: Definition;
}

export type ListedPrompt = Omit<PromptInfo, "server">;
export type ListedResource = Omit<ResourceInfo, "server">;

/** One tool must not make every request of every turn too deep to be written. */
const maxSchemaDepth = 200;

export const toolList: ListKind<ListedTool> = {
  method: "tools/list",
  key: "tools",
  read(raw) {
    const schema = raw.inputSchema;
    if (!isRecord(schema)) throw new Error(`inputSchema is ${schema === undefined ? "missing" : "not an object"}`);
    if (schema.type !== undefined && schema.type !== "object") {
      throw new Error(`inputSchema.type is ${JSON.stringify(schema.type)}, not "object"`);
    }
    if (isDeeperThan(maxSchemaDepth, schema)) throw new Error(`inputSchema is deeper than ${maxSchemaDepth} levels`);
    const annotations = isRecord(raw.annotations) ? raw.annotations : {};
    return {
      name: requiredText(raw, "name"),
      description: asText(raw.description) || asText(raw.title) || asText(annotations.title),
      inputSchema: { ...schema, type: "object" },
      ...(isRecord(raw.outputSchema) && { outputSchema: raw.outputSchema }),
      ...(typeof raw.title === "string" && { title: raw.title }),
      ...(isRecord(raw.annotations) && { annotations: raw.annotations }),
      ...(isTask(raw) && { isTask: true as const }),
      ...(isForApps(raw) && { isForApps: true as const }),
      readOnly: annotations.readOnlyHint === true,
      idempotent: annotations.idempotentHint === true,
      ...(typeof annotations.destructiveHint === "boolean" && { destructive: annotations.destructiveHint }),
      ...(typeof annotations.openWorldHint === "boolean" && { openWorld: annotations.openWorldHint }),
      definition: definitionOf(raw),
    };
  },
  nameOf: (tool) => tool.name,
};

export const promptList: ListKind<ListedPrompt> = {
  method: "prompts/list",
  key: "prompts",
  read: (raw) => ({
    name: requiredText(raw, "name"),
    description: asText(raw.description) || asText(raw.title),
    arguments: asArray(raw.arguments)
      .filter(isRecord)
      .map((argument) => ({
        name: requiredText(argument, "name"),
        description: asText(argument.description),
        required: argument.required === true,
      })),
  }),
  nameOf: (prompt) => prompt.name,
};

export const resourceList: ListKind<ListedResource> = {
  method: "resources/list",
  key: "resources",
  read(raw) {
    const uri = requiredText(raw, "uri");
    return {
      uri,
      name: asText(raw.title) || asText(raw.name) || uri,
      description: asText(raw.description),
      ...(typeof raw.mimeType === "string" && { mimeType: raw.mimeType }),
    };
  },
  nameOf: (resource) => resource.uri,
};

/** URI templates (RFC 6570). */
export const templateList: ListKind<string> = {
  method: "resources/templates/list",
  key: "resourceTemplates",
  read: (raw) => requiredText(raw, "uriTemplate"),
  nameOf: (template) => template,
};

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner));
}

function isTask({ execution }: Json): boolean {
  return isRecord(execution) && (execution.taskSupport === "required" || execution.taskSupport === "optional");
}

/** `_meta.ui.visibility` (SEP-1865); left out, a tool is for both. */
function isForApps({ _meta }: Json): boolean {
  const visibility = isRecord(_meta) && isRecord(_meta.ui) ? _meta.ui.visibility : undefined;
  return Array.isArray(visibility) && !visibility.includes("model");
}

function requiredText(raw: Json, key: string): string {
  const value = raw[key];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`${key} is ${value === undefined ? "missing" : "not a text"}`);
}

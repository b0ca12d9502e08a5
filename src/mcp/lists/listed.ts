/**
 * Readers for the items of a server's lists. The readers are lenient: an item is refused only if it is unusable, and the reason is
 * reported.
 */

import { asArray, isDeeperThan, isPlainObject, type JsonObject, textOrEmpty } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import type { PromptInfo, ResourceInfo } from "../../core/ports.js";
import { type Definition, definitionOf } from "./definition.js";
import type { ListKind } from "./listing.js";

interface ListedItem {
  /** Other fields of the item, such as `_meta` and `icons`. They are passed on to clients that speak MCP. */
  extras: JsonObject;
}

export interface ListedTool extends ListedItem {
  name: string;
  description: string;
  inputSchema: JsonSchema;
  outputSchema?: JsonSchema;
  title?: string;
  /** Annotations as the server sent them, even if the server is not trusted. */
  annotations?: JsonObject;
  /** True if the tool can, or must, run as a task. */
  isTask?: true;
  /** True if the tool is for the server's own pages (MCP Apps) only, not for the model. */
  isForApps?: true;
  readOnly: boolean;
  idempotent: boolean;
  /** The tool's `destructiveHint`; undefined if the server does not send it. */
  destructive?: boolean;
  openWorld?: boolean;
  definition: Definition;
}

export type ListedPrompt = Omit<PromptInfo, "server"> & ListedItem;
export type ListedResource = Omit<ResourceInfo, "server"> & ListedItem;

export interface ListedTemplate extends ListedItem {
  /** A URI template (RFC 6570). */
  uriTemplate: string;
}

/** Deepest accepted nesting of a schema. If one tool had a deeper schema, requests to the model could not be serialised any more. */
const maxDepth = 200;

/**
 * Maximum number of tools of one server. Each change of a list compares, pins and stores all tools, which takes 3 s for 50,000 tools; the host
 * answers nobody meanwhile.
 */
const maxTools = 5_000;

export const toolListKind: ListKind<ListedTool> = {
  method: "tools/list",
  key: "tools",
  read(raw) {
    const schema = raw.inputSchema;
    if (!isPlainObject(schema)) throw new Error(`inputSchema is ${schema === undefined ? "missing" : "not an object"}`);
    if (schema.type !== undefined && schema.type !== "object") {
      throw new Error(`inputSchema.type is ${JSON.stringify(schema.type)}, not "object"`);
    }
    if (isDeeperThan(maxDepth, schema)) throw new Error(`inputSchema is deeper than ${maxDepth} levels`);
    const annotations = isPlainObject(raw.annotations) ? raw.annotations : {};
    return {
      name: readableName(raw),
      description: textOrEmpty(raw.description) || textOrEmpty(raw.title) || textOrEmpty(annotations.title),
      inputSchema: { ...schema, type: "object" },
      ...(isPlainObject(raw.outputSchema) && { outputSchema: raw.outputSchema }),
      ...(typeof raw.title === "string" && { title: raw.title }),
      ...(isPlainObject(raw.annotations) && { annotations: raw.annotations }),
      ...(isTask(raw) && { isTask: true as const }),
      ...(isForApps(raw) && { isForApps: true as const }),
      readOnly: annotations.readOnlyHint === true,
      idempotent: annotations.idempotentHint === true,
      ...(typeof annotations.destructiveHint === "boolean" && { destructive: annotations.destructiveHint }),
      ...(typeof annotations.openWorldHint === "boolean" && { openWorld: annotations.openWorldHint }),
      definition: definitionOf(raw),
      extras: extrasOf(raw, ["name", "description", "inputSchema", "outputSchema", "title", "annotations"]),
    };
  },
  nameOf: (tool) => tool.name,
  maxItems: maxTools,
};

export const promptList: ListKind<ListedPrompt> = {
  method: "prompts/list",
  key: "prompts",
  read: (raw) => ({
    name: requiredText(raw, "name"),
    description: textOrEmpty(raw.description) || textOrEmpty(raw.title),
    arguments: asArray(raw.arguments)
      .filter(isPlainObject)
      .map((argument) => ({
        name: requiredText(argument, "name"),
        description: textOrEmpty(argument.description),
        required: argument.required === true,
      })),
    extras: extrasOf(raw, ["name", "description"]),
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
      name: textOrEmpty(raw.title) || textOrEmpty(raw.name) || uri,
      description: textOrEmpty(raw.description),
      ...(typeof raw.mimeType === "string" && { mimeType: raw.mimeType }),
      extras: extrasOf(raw, ["uri", "description", "mimeType"]),
    };
  },
  nameOf: (resource) => resource.uri,
};

export const templateList: ListKind<ListedTemplate> = {
  method: "resources/templates/list",
  key: "resourceTemplates",
  read: (raw) => ({ uriTemplate: requiredText(raw, "uriTemplate"), extras: extrasOf(raw, ["uriTemplate"]) }),
  nameOf: (template) => template.uriTemplate,
};

/** Returns the item's fields that are not in `known`. Leaves out values that are nested too deep to serialise. */
function extrasOf(raw: JsonObject, known: readonly string[]): JsonObject {
  return Object.fromEntries(
    Object.entries(raw).filter(([key, value]) => !known.includes(key) && !isDeeperThan(maxDepth, value)),
  );
}

function isTask({ execution }: JsonObject): boolean {
  return isPlainObject(execution) && (execution.taskSupport === "required" || execution.taskSupport === "optional");
}

/**
 * Returns true if `_meta.ui.visibility` (SEP-1865) exists but does not name the model. A tool without this field is offered to the model as
 * well as to the pages.
 */
function isForApps({ _meta }: JsonObject): boolean {
  const visibility = isPlainObject(_meta) && isPlainObject(_meta.ui) ? _meta.ui.visibility : undefined;
  return Array.isArray(visibility) && !visibility.includes("model");
}

/**
 * Longest accepted name of a tool. Real names are shorter (spec 2025-11-25: up to 128), and a question that quotes a name of this length is
 * still readable.
 */
const maxNameChars = 256;

/**
 * Returns the tool's name. Throws if the name contains line ends or invisible characters, or is too long. With such a name, a question
 * about this tool could look like a question about another tool, and people decide by the name whether a call may run.
 */
function readableName(raw: JsonObject): string {
  const name = requiredText(raw, "name");
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)) throw new Error("its name has characters that cannot be seen");
  if (name.length > maxNameChars) throw new Error(`its name is longer than ${maxNameChars} characters`);
  return name;
}

function requiredText(raw: JsonObject, key: string): string {
  const value = raw[key];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`${key} is ${value === undefined ? "missing" : "not a text"}`);
}

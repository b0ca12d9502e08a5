/** Tools that the caller carries out, as the model is offered them and as its calls go back. */
import { createHash } from "node:crypto";
import type { ToolDefinition } from "../../core/chat.js";
import type { ToolHub } from "../../core/ports.js";
import { ApiError } from "./errors.js";

export interface WireTool {
  type: string;
  name?: string;
  description?: string | null;
  parameters?: object | null;
  /** Of a custom tool: free text where there is none. */
  format?: { type: string; syntax?: string; definition?: string } | null;
  /** Of a namespace. */
  tools?: WireTool[];
}

/** A tool under the name that its caller has for it. */
export interface CallerTool {
  type: "function" | "custom";
  name: string;
  namespace?: string;
}

export interface CallerTools {
  definitions: ToolDefinition[];
  /** By the name that the model has for it. */
  find(modelName: string): CallerTool | undefined;
  /** Types of the tools that no model of this host can be offered, such as `web_search`. */
  ignored: string[];
}

const longestName = 64;
/** Names that callers can have for tools, as Anthropic's API takes them. Longer ones than models can have are shortened for the model. */
export const toolName = /^[a-zA-Z0-9_-]{1,128}$/;

/** Throws ApiError for a tool that is wrong as it is. */
export function readCallerTools(tools: readonly WireTool[]): CallerTools {
  const known = new Map<string, { definition: ToolDefinition; tool: CallerTool }>();
  const ignored = new Set<string>();
  const add = (wire: WireTool, namespace?: string) => {
    if (wire.type === "namespace" && namespace === undefined) {
      for (const inner of wire.tools ?? []) add(inner, nameOf(wire));
    } else if (wire.type === "function" || wire.type === "custom") {
      const tool: CallerTool = {
        type: wire.type,
        name: nameOf(wire),
        ...(namespace === undefined ? {} : { namespace }),
      };
      const name = modelName(tool);
      if (known.has(name)) throw new ApiError(400, "invalid_tool", `two tools have the name ${name}`, "tools");
      known.set(name, { definition: { name, ...definitionOf(wire) }, tool });
    } else ignored.add(typeName(wire));
  };
  for (const wire of tools) add(wire);
  return {
    definitions: [...known.values()].map(({ definition }) => definition),
    find: (name) => known.get(name)?.tool,
    ignored: [...ignored],
  };
}

/** The name that the model has for a tool: chat completions know no namespaces. */
export function modelName({ name, namespace }: { name: string; namespace?: string }): string {
  if (namespace === undefined) return offeredName(name);
  return offeredName(`${namespace.replace(/_+$/, "")}__${name.replace(/^_+/, "")}`);
}

/** The name that the model has for a server's tool, also for one that no server offers any more. */
export function serverToolName(
  hub: Pick<ToolHub, "tools">,
  { server, tool }: { server: string; tool: string },
): string {
  const known = hub.tools().find((offered) => offered.server === server && offered.tool === tool);
  return known?.name ?? modelName(server ? { namespace: server, name: tool } : { name: tool }).replace(/[^\w-]/g, "_");
}

/** A name as models can have it: longer ones end in a hash. */
function offeredName(whole: string): string {
  if (whole.length <= longestName) return whole;
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, 8);
  return `${whole.slice(0, longestName - hash.length - 1)}_${hash}`;
}

/** The arguments with which the model calls a custom tool, whose input is text and not JSON. */
export function customArguments(input: string): string {
  return JSON.stringify({ input });
}

/** The input of a custom tool. A model that wrote the text itself in place of the arguments meant that text. */
export function customInput(text: string): string {
  try {
    const { input } = JSON.parse(text) as { input?: unknown };
    return typeof input === "string" ? input : text;
  } catch {
    return text;
  }
}

function definitionOf({ type, description, parameters, format }: WireTool): Omit<ToolDefinition, "name"> {
  const said = description ?? "";
  if (type === "function") {
    return { description: said, inputSchema: { ...(parameters ?? { type: "object", properties: {} }) } };
  }
  const grammar = format?.definition
    ? `It follows this grammar (${format.syntax ?? "lark"}):\n${format.definition}`
    : "";
  const text = [said, "The input is one text in the argument `input`.", grammar].filter(Boolean).join("\n\n");
  const input = { type: "string", description: "The whole input of the tool." };
  return {
    description: text,
    inputSchema: { type: "object", properties: { input }, required: ["input"], additionalProperties: false },
  };
}

function nameOf({ name = "" }: WireTool): string {
  if (toolName.test(name)) return name;
  throw new ApiError(400, "invalid_tool", "the name of a tool is 1 to 128 letters, digits, _ and -", "tools");
}

/** For a header and a message, so only what an API would name a type. */
function typeName({ type }: WireTool): string {
  if (/^[\w.-]{1,64}$/.test(type)) return type;
  throw new ApiError(400, "invalid_tool", "the type of a tool is 1 to 64 letters, digits, . _ and -", "tools");
}

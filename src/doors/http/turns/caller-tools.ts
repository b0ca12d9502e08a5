/** Tools that the caller runs. Defines how they are offered to the model, and how the model's tool calls are returned to the caller. */

import { createHash } from "node:crypto";
import { asObject, parseJson } from "../../../core/json.js";
import type { ToolDefinition } from "../../../core/messages.js";
import type { ToolHub } from "../../../core/ports.js";
import { ApiError } from "../shared/api-errors.js";

export interface ApiTool {
  type: string;
  name?: string;
  description?: string | null;
  parameters?: object | null;
  /** Format of the input of a custom tool. If absent, the input is free text. */
  format?: { type: string; syntax?: string; definition?: string } | null;
  /** Tools in this namespace, if `type` is `namespace`. */
  tools?: ApiTool[];
}

/** A caller's tool, with the names that the caller uses for it. */
export interface CallerTool {
  type: "function" | "custom";
  name: string;
  namespace?: string;
}

export interface CallerTools {
  definitions: ToolDefinition[];
  find(modelName: string): CallerTool | undefined;
  /** Types of the tools that this host cannot offer to any model, such as `web_search`. */
  ignored: string[];
}

const longestName = 64;
/**
 * Pattern of the tool names that callers may use. Anthropic's API allows the same names. A name that is too long for models is shortened
 * for the model.
 */
export const toolName = /^[a-zA-Z0-9_-]{1,128}$/;

/** Reads the caller's tools. Throws ApiError if a tool is invalid. */
export function readCallerTools(tools: readonly ApiTool[]): CallerTools {
  const known = new Map<string, { definition: ToolDefinition; tool: CallerTool }>();
  const ignored = new Set<string>();
  const add = (given: ApiTool, namespace?: string) => {
    if (given.type === "namespace" && namespace === undefined) {
      for (const inner of given.tools ?? []) add(inner, nameOf(given));
    } else if (given.type === "function" || given.type === "custom") {
      const tool: CallerTool = {
        type: given.type,
        name: nameOf(given),
        ...(namespace === undefined ? {} : { namespace }),
      };
      const name = callerToolName(tool);
      if (known.has(name)) throw new ApiError(400, "invalid_tool", `two tools have the name ${name}`, "tools");
      known.set(name, { definition: { name, ...definitionOf(given) }, tool });
    } else if (given.type === "mcp") {
      const message =
        "this host has its own MCP servers: choose among their tools with X-MCP-Tools, and leave out tools of type mcp";
      throw new ApiError(400, "invalid_tool", message, "tools");
    } else ignored.add(typeName(given));
  };
  for (const given of tools) add(given);
  return {
    definitions: [...known.values()].map(({ definition }) => definition),
    find: (name) => known.get(name)?.tool,
    ignored: [...ignored],
  };
}

/** Returns the name that a caller's tool has for the model. In chat completions, tools have no namespace. */
export function callerToolName({ name, namespace }: { name: string; namespace?: string }): string {
  if (namespace === undefined) return offeredName(name);
  return offeredName(`${namespace.replace(/(?<!_)_+$/, "")}__${name.replace(/^_+/, "")}`);
}

/** Returns the name that a server's tool has for the model. Also works for a tool that no server offers any more. */
export function serverToolName(
  hub: Pick<ToolHub, "tools">,
  { server, tool }: { server: string; tool: string },
): string {
  const known = hub.tools().find((offered) => offered.server === server && offered.tool === tool);
  return (
    known?.name ?? callerToolName(server ? { namespace: server, name: tool } : { name: tool }).replace(/[^\w-]/g, "_")
  );
}

/** Returns the name unchanged unless it is too long for models. A longer name is shortened and ends in a hash. */
function offeredName(whole: string): string {
  if (whole.length <= longestName) return whole;
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, 8);
  return `${whole.slice(0, longestName - hash.length - 1)}_${hash}`;
}

/** Returns the JSON arguments for a call of a custom tool. The input of a custom tool is a text. */
export function customArguments(input: string): string {
  return JSON.stringify({ input });
}

/** Returns the input text from a call of a custom tool. The model may have written the text itself instead of JSON arguments. */
export function customInput(text: string): string {
  const input = asObject(parseJson(text))?.input;
  return typeof input === "string" ? input : text;
}

function definitionOf({ type, description, parameters, format }: ApiTool): Omit<ToolDefinition, "name"> {
  const given = description ?? "";
  if (type === "function") {
    return { description: given, inputSchema: { ...(parameters ?? { type: "object", properties: {} }) } };
  }
  const grammar = format?.definition
    ? `It follows this grammar (${format.syntax ?? "lark"}):\n${format.definition}`
    : "";
  const text = [given, "The input is one text in the argument `input`.", grammar].filter(Boolean).join("\n\n");
  const input = { type: "string", description: "The whole input of the tool." };
  return {
    description: text,
    inputSchema: { type: "object", properties: { input }, required: ["input"], additionalProperties: false },
  };
}

function nameOf({ name = "" }: ApiTool): string {
  if (toolName.test(name)) return name;
  throw new ApiError(400, "invalid_tool", "the name of a tool is 1 to 128 letters, digits, _ and -", "tools");
}

/** Returns the type of a tool. Throws ApiError if the type is invalid, because it is put into a header and into a message. */
function typeName({ type }: ApiTool): string {
  if (/^[\w.-]{1,64}$/.test(type)) return type;
  throw new ApiError(400, "invalid_tool", "the type of a tool is 1 to 64 letters, digits, . _ and -", "tools");
}

/** Tools of the host itself. They only read data, so they need no approval. */

import { messageOf } from "../../core/errors.js";
import { duplicateKey, isPlainObject, jsonProblem, parseJson } from "../../core/json.js";
import type { JsonSchema, ToolCall, ToolResult } from "../../core/messages.js";
import type { HubTool, PreparedCall } from "../../core/ports.js";

const server = "host";
const annotations = { readOnly: true, idempotent: true, destructive: false, openWorld: false };

export interface HostTool {
  definition: HubTool;
  /** Runs the tool. Rejects with an error whose message the model can read. */
  run(args: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<ToolResult>;
}

export function hostDefinition(tool: string, description: string, inputSchema: JsonSchema): HubTool {
  return { name: `${server}__${tool}`, server, tool, description, inputSchema, ...annotations };
}

/**
 * Prepares a call of one of the host's tools. The tool checks its arguments only when it runs. If the call fails, the model gets the error
 * as the result.
 */
export function prepareHostCall(tool: HostTool, call: ToolCall): PreparedCall {
  const { name, tool: ownName } = tool.definition;
  const given = argumentsOf(call);
  const failed = (problem: string) => ({ content: textContent(`${name}: ${problem}`), isError: true });
  return {
    server,
    tool: ownName,
    place: server,
    arguments: "value" in given ? given.value : {},
    ...annotations,
    autoApproved: false,
    pin() {},
    async send({ signal }) {
      if ("problem" in given) return failed(given.problem);
      try {
        return await tool.run(given.value, signal);
      } catch (error) {
        return failed(messageOf(error));
      }
    },
  };
}

export function textContent(text: string): ToolResult["content"] {
  return [{ type: "text", text }];
}

function argumentsOf({
  arguments: text,
}: ToolCall): { value: Readonly<Record<string, unknown>> } | { problem: string } {
  const value = text.trim() === "" ? {} : parseJson(text);
  if (value === undefined) return { problem: jsonProblem(text) ?? "" };
  if (!isPlainObject(value)) return { problem: "the arguments are not a JSON object" };
  const twice = duplicateKey(text);
  if (twice !== undefined) return { problem: `the arguments have the key ${JSON.stringify(twice)} twice` };
  return { value };
}

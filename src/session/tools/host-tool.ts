/** A tool of the host itself. It only reads, so that nobody has to allow it. */
import type { JsonSchema, ToolCall, ToolResult } from "../../core/chat.js";
import { messageOf } from "../../core/errors.js";
import type { HubTool, PreparedCall } from "../../core/ports.js";

const server = "host";
const annotations = { readOnly: true, idempotent: true, destructive: false, openWorld: false };

export interface HostTool {
  definition: HubTool;
  /** Rejects with an error whose message is for the model. */
  run(args: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<ToolResult>;
}

export function hostDefinition(tool: string, description: string, inputSchema: JsonSchema): HubTool {
  return { name: `${server}__${tool}`, server, tool, description, inputSchema, ...annotations };
}

/** Arguments are checked by the tool. What goes wrong is a result for the model. */
export function prepareHostCall(tool: HostTool, call: ToolCall): PreparedCall {
  const { name, tool: ownName } = tool.definition;
  return {
    server,
    tool: ownName,
    place: server,
    arguments: {},
    ...annotations,
    autoApproved: false,
    pin() {},
    async send({ signal }) {
      try {
        return await tool.run(argumentsOf(call), signal);
      } catch (error) {
        return { content: textContent(`${name}: ${messageOf(error)}`), isError: true };
      }
    },
  };
}

export function textContent(text: string): ToolResult["content"] {
  return [{ type: "text", text }];
}

function argumentsOf({ arguments: text }: ToolCall): Readonly<Record<string, unknown>> {
  const value: unknown = text.trim() === "" ? {} : JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError("the arguments are not a JSON object");
  }
  return value as Record<string, unknown>;
}

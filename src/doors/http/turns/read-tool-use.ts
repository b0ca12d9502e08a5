import type { ToolChoice } from "../../../core/messages.js";
import { ApiError } from "../shared/api-errors.js";
import { callerToolName, toolName } from "./caller-tools.js";

export interface ToolUseBody {
  tool_choice?: string | ChosenTool | null;
  parallel_tool_calls?: boolean | null;
}

/** The tool that the model has to call. `/v1/chat/completions` puts the name into `function`. */
interface ChosenTool {
  type: string;
  name?: string;
  namespace?: string;
  function?: { name: string };
}

export interface ToolUse {
  /** True if `tool_choice` is `none`. The model is then offered no tools: not the servers' tools and not the caller's tools. */
  withoutTools: boolean;
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
}

/**
 * Reads how the model has to use tools. Throws ApiError for a choice that this host cannot support for any model. Whether the chosen tool
 * is offered is checked later, when the turn begins.
 */
export function readToolUse({ tool_choice: choice, parallel_tool_calls: parallel }: ToolUseBody): ToolUse {
  return {
    withoutTools: choice === "none",
    ...(choice === "required" && { toolChoice: choice }),
    ...(typeof choice === "object" && choice !== null && { toolChoice: { name: chosenName(choice) } }),
    ...(parallel === false && { parallelToolCalls: parallel }),
  };
}

function chosenName(chosen: ChosenTool): string {
  const { type, name = chosen.function?.name, namespace } = chosen;
  if (type !== "function" && type !== "custom") throw refused(`${adviceFor(type)} (type ${quoted(type)})`);
  if (name === undefined) throw refused("the name of the function is missing");
  const known = callerToolName({ name, namespace });
  if (!toolName.test(name) || !toolName.test(known)) throw refused(`no tool can have the name ${quoted(name)}`);
  return known;
}

function adviceFor(type: string): string {
  if (type === "allowed_tools")
    return "a choice among several tools is not supported: send only those tools, and name servers' tools in X-MCP-Tools";
  if (type === "mcp") return "choose a server's tool as a function, by the name that the model sees: SERVER__TOOL";
  return "a tool that runs at OpenAI cannot be chosen, because this host offers no such tool to the model";
}

/** Quotes the text for an error message. Cuts it, since the caller may have sent megabytes. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

function refused(text: string): ApiError {
  return new ApiError(400, "unsupported_tool_choice", text, "tool_choice");
}

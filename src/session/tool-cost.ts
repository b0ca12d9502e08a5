import type { ToolDefinition } from "../core/chat.js";
import { toolTokens } from "../history/estimate.js";

/** Estimates the tokens of a tool's definition in every request that offers it. */
export function tokensOfTool(tool: ToolDefinition): number {
  return Math.ceil(toolTokens(tool));
}

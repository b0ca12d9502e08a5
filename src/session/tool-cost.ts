import type { ToolDefinition } from "../core/chat.js";
import { toolTokens } from "../history/estimate.js";

/** About what a tool's definition costs in every request that offers it. */
export function tokensOfTool(tool: ToolDefinition): number {
  return Math.ceil(toolTokens(tool));
}

import type { ToolDefinition } from "../../core/messages.js";
import { toolTokens } from "../../log/folds/estimate.js";

/** Estimates how many tokens the definition of a tool adds to each request that contains it. */
export function tokensOfTool(tool: ToolDefinition): number {
  return Math.ceil(toolTokens(tool));
}

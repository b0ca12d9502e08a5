import {
  ErrorCode,
  GetPromptRequestSchema,
  type GetPromptResult,
  ListPromptsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import { byClientName } from "./client-names.js";
import { inProtocol } from "./in-protocol.js";
import { listedPrompt } from "./listings.js";
import type { McpConnectionParts, McpParts } from "./mcp-parts.js";

export function passPrompts({ host, server }: McpConnectionParts): void {
  const { hub, passage, serve } = host;
  server.setRequestHandler(ListPromptsRequestSchema, async (_request, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const prompts = [...byClientName(passage.prompts(), serve)].map(([name, prompt]) => {
      return listedPrompt({ ...prompt.details, name, description: prompt.description }, prompt.arguments);
    });
    return { prompts };
  });
  server.setRequestHandler(GetPromptRequestSchema, async ({ params: { name, arguments: args = {} } }, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const prompt = namedPrompt(host, name);
    return inProtocol(() => passage.getPrompt(prompt.name, args, signal)) as Promise<GetPromptResult>;
  });
}

/** Returns the prompt that has this name for clients. Throws the SDK's McpError for an unknown name. */
export function namedPrompt({ passage, serve }: McpParts, name: string) {
  const prompt = byClientName(passage.prompts(), serve).get(name);
  if (prompt) return prompt;
  throw new McpError(ErrorCode.InvalidParams, `there is no prompt ${name}`);
}

import {
  ErrorCode,
  GetPromptRequestSchema,
  type GetPromptResult,
  ListPromptsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import { hidesPrompts } from "../../session/direct-call.js";
import { byClientName } from "./client-names.js";
import { inProtocol } from "./in-protocol.js";
import { listedPrompt } from "./listings.js";
import type { ClientRules, McpConnectionParts, McpParts } from "./mcp-parts.js";

export function passPrompts({ host, server, rules }: McpConnectionParts): void {
  const { hub } = host;
  server.setRequestHandler(ListPromptsRequestSchema, async (_request, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const prompts = [...passedPrompts(host, rules())].map(([name, prompt]) => {
      return listedPrompt({ ...prompt.details, name, description: prompt.description }, prompt.arguments);
    });
    return { prompts };
  });
  server.setRequestHandler(GetPromptRequestSchema, async ({ params: { name, arguments: args = {} } }, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const prompt = namedPrompt(host, name, rules());
    return inProtocol(() => host.hub.mcpResults.getPrompt(prompt.name, args, signal)) as Promise<GetPromptResult>;
  });
}

/** Returns the prompt that has this name for clients. Throws the SDK's McpError for an unknown name. */
export function namedPrompt(host: McpParts, name: string, rules: ClientRules) {
  const prompt = passedPrompts(host, rules).get(name);
  if (prompt) return prompt;
  throw new McpError(ErrorCode.InvalidParams, `there is no prompt ${name}`);
}

/** Returns the prompts by their names for clients, if prompts are passed on, without those of servers that the rules deny as a whole. */
function passedPrompts({ hub, serve }: McpParts, rules: ClientRules) {
  const prompts = serve.prompts ? hub.mcpResults.prompts() : [];
  return byClientName(
    prompts.filter(({ server }) => !hidesPrompts(server, hub, rules)),
    serve,
  );
}

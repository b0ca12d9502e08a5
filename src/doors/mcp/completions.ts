import { CompleteRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { hidesResources } from "../../session/direct-call.js";
import { inProtocol } from "./in-protocol.js";
import type { McpConnectionParts } from "./mcp-parts.js";
import { namedPrompt } from "./served-prompts.js";

/** Maximum number of values in one response, set by the MCP specification. */
const maxValues = 100;

export function passCompletions({ host, server, rules }: McpConnectionParts): void {
  const { hub, mcpResults } = host;
  server.setRequestHandler(CompleteRequestSchema, async ({ params: { ref, argument } }, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const current = rules();
    const isShown = (name: string) => host.serve.resources && !hidesResources(name, current);
    const of =
      ref.type === "ref/prompt"
        ? { prompt: namedPrompt(host, ref.name, current).name }
        : { template: ref.uri, isShown };
    const values = await inProtocol(() => mcpResults.complete(of, argument, signal));
    return {
      completion: { values: values.slice(0, maxValues), total: values.length, hasMore: values.length > maxValues },
    };
  });
}

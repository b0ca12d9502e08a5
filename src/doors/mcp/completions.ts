import { CompleteRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { hidesResources } from "../../session/direct-call.js";
import { inProtocol } from "./in-protocol.js";
import { type McpConnectionParts, rulesFor } from "./mcp-parts.js";
import { namedPrompt } from "./served-prompts.js";

/** Maximum number of values in one response, set by the MCP specification. */
const maxValues = 100;

export function passCompletions({ host, server }: McpConnectionParts): void {
  const { hub, passage } = host;
  const rules = rulesFor(host);
  const isShown = (name: string) => !hidesResources(name, rules);
  server.setRequestHandler(CompleteRequestSchema, async ({ params: { ref, argument } }, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const of =
      ref.type === "ref/prompt" ? { prompt: namedPrompt(host, ref.name).name } : { template: ref.uri, isShown };
    const values = await inProtocol(() => passage.complete(of, argument, signal));
    return {
      completion: { values: values.slice(0, maxValues), total: values.length, hasMore: values.length > maxValues },
    };
  });
}

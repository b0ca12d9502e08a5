import { fileResource } from "../shared/sent-content.js";
import { inProtocol } from "./in-protocol.js";
/** Serves this host as an MCP server, over any transport. https://modelcontextprotocol.io/specification/2025-11-25/server */

import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  CompleteRequestSchema,
  type ContentBlock,
  ErrorCode,
  ListToolsRequestSchema,
  type LoggingLevel,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";
import type { ContentPart } from "../../core/messages.js";
import type { ServerNews } from "../../core/ports.js";
import { traceOf } from "../../core/trace-context.js";
import { callTool, decideRead, hidesPrompts, hidesResources, selectTools } from "../../session/direct-call.js";
import { askClient, type Extra, sampleByClient, until } from "./ask-client.js";
import { chat, chatTool, traceOfCall } from "./chat-tool.js";
import { byClientName } from "./client-names.js";
import { listedTool } from "./listings.js";
import {
  type ClientRules,
  type McpConnectionParts,
  type McpParts,
  rulesOfClient,
  type TurnCancels,
} from "./mcp-parts.js";
import { namedPrompt, passPrompts } from "./served-prompts.js";
import { passResources, type WatchedByClient } from "./served-resources.js";

/**
 * Creates the server for one client; the caller connects it to a transport. Closing the server ends the client's requests. The first
 * response contains the servers' instructions. So this function waits, as a turn does, for starting servers whose tools are not known from
 * an earlier run. `isListening` returns false while the client could not receive a log message. `cancels` gets the cancellations of the client.
 */
export async function createMcpServer(
  host: McpParts,
  isListening = () => true,
  cancels: TurnCancels = new Map(),
): Promise<Server> {
  const { serve, version } = host;
  const passesTools = serve.chat || serve.tools.length > 0;
  const isGateway = serve.tools.length > 0 || serve.prompts || serve.resources;
  if (isGateway) await host.hub.offered().catch(() => {});
  const rules = rulesOfClient(host);
  const instructions = isGateway ? instructionsFor(host, rules()) : "";
  const server = new Server(
    { name: "mcp-platform", title: "MCP-Platform", version },
    {
      ...(instructions && { instructions }),
      capabilities: {
        logging: {},
        ...(passesTools && { tools: { listChanged: true } }),
        ...(serve.prompts && { prompts: { listChanged: true } }),
        ...(serve.resources && { resources: { listChanged: true, subscribe: true } }),
        ...((serve.prompts || serve.resources) && { completions: {} }),
      },
    },
  );
  // Request ids begin with 1: a client of the TypeScript SDK ignores the cancellation of a request whose id is 0.
  Reflect.set(server, "_requestMessageId", 1);
  const watched: WatchedByClient = new Map();
  const parts = { host, server, asked: new Set<string>(), cancels, rules };
  if (passesTools) passTools(parts);
  if (serve.prompts) passPrompts(parts);
  if (serve.resources) passResources(parts, watched);
  if (serve.prompts || serve.resources) passCompletions(parts);
  /** Kept from one log message to the next, because a server may log often and choosing compares every tool with every rule. */
  let passed: Set<string> | undefined;
  const stop = host.hub.mcpResults.onNews((news) => {
    if (news.type === "lists") passed = undefined;
    if (news.type === "log") {
      if (!isListening()) return;
      passed ??= passedServers(host, rules());
      if (!passed.has(news.server)) return;
    }
    void tell(parts, news, watched).catch(() => {});
  });
  server.onclose = () => {
    stop();
    for (const unwatch of watched.values()) unwatch();
  };
  return server;
}

function passTools(parts: McpConnectionParts): void {
  const { host, server, rules } = parts;
  const { hub, serve } = host;
  const { mcpResults } = hub;
  const passed = (current: ClientRules) => {
    const tools = selectTools(hub, serve.tools, current).map((tool) => ({ ...tool, own: tool.tool }));
    return byClientName(tools, serve, serve.chat ? [chatTool.name] : []);
  };
  server.setRequestHandler(ListToolsRequestSchema, async (_request, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const details = mcpResults.toolDetails();
    const tools = [...passed(rules())].map(([name, { name: full, description, inputSchema }]) =>
      listedTool({ name, description, inputSchema, ...details.get(full) }),
    );
    return { tools: serve.chat ? [chatTool, ...tools] : tools };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { name, arguments: args = {} } = params;
    if (serve.chat && name === chatTool.name) return chat(args, extra, parts);
    await hub.offered(extra.signal).catch(() => {});
    const current = rules();
    const tool = passed(current).get(name);
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `there is no tool ${name}`);
    const call = { id: host.newId("call"), name: tool.name, arguments: JSON.stringify(args) };
    let answer: CallToolResult | undefined;
    const { content, isError } = await callTool(hub, call, {
      rules: current,
      signal: extra.signal,
      caller: server,
      callId: call.id,
      trace: traceOf(call.id, { carried: traceOfCall(extra) }),
      onProgress: progressTo(extra),
      ask: (question, over) => askClient(question, until(over, extra), server.getClientCapabilities()),
      sample: (wish, over) => sampleByClient(wish, until(over, extra), server.getClientCapabilities()),
      onAnswer: (result) => {
        answer = mcpResults.withAddresses(tool.server, result) as CallToolResult;
      },
    });
    return answer ?? { content: content.map(contentBlock), isError };
  });
}

/** Returns the servers from which the client gets tools, prompts or resources. */
function passedServers({ hub, serve }: McpParts, rules: ClientRules): Set<string> {
  const passed = new Set(selectTools(hub, serve.tools, rules).map(({ server }) => server));
  if (serve.prompts) for (const { server } of hub.prompts()) if (!hidesPrompts(server, hub, rules)) passed.add(server);
  const offering = serve.resources ? [...hub.resources(), ...hub.mcpResults.templates()] : [];
  for (const { server } of offering) if (!hidesResources(server, rules)) passed.add(server);
  return passed;
}

/**
 * Returns the instructions of the servers that are passed on. The heading of a server's instructions is the server's name, because the
 * names of the server's tools begin with it.
 */
function instructionsFor(host: McpParts, rules: ClientRules): string {
  const passed = passedServers(host, rules);
  return host.hub.mcpResults
    .instructions()
    .filter(({ server }) => passed.has(server))
    .map(({ server, text }) => `# ${server}\n\n${text}`)
    .join("\n\n");
}

function progressTo(extra: Extra) {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return (progress: { progress: number; total?: number; message?: string }) => {
    const notification = { method: "notifications/progress" as const, params: { progressToken, ...progress } };
    extra.sendNotification(notification).catch(() => {}); // sending fails if the client has disconnected
  };
}

async function tell(
  { host, server, rules }: McpConnectionParts,
  news: ServerNews,
  watched: WatchedByClient,
): Promise<void> {
  const { serve } = host;
  const { mcpResults } = host.hub;
  switch (news.type) {
    case "lists":
      if (serve.tools.length > 0) await server.sendToolListChanged();
      if (serve.prompts) await server.sendPromptListChanged();
      if (serve.resources) await server.sendResourceListChanged();
      return;
    case "resource":
      if (!watched.has(news.uri) || decideRead(mcpResults.resourceAt(news.uri), rules()).decision === "deny") return;
      return server.sendResourceUpdated({ uri: news.uri });
    case "log":
      return server.sendLoggingMessage(
        { level: news.level as LoggingLevel, logger: news.server, data: news.text },
        server.transport?.sessionId, // the SDK stores the client's log level under this id
      );
  }
}

function contentBlock(part: ContentPart): ContentBlock {
  if (part.type === "resource_link") return { ...part, name: part.name ?? part.uri };
  return part.type === "file" ? fileResource(part) : { ...part };
}

/** Maximum number of values in one response, set by the MCP specification. */
const maxValues = 100;

function passCompletions({ host, server, rules }: McpConnectionParts): void {
  const { hub } = host;
  server.setRequestHandler(CompleteRequestSchema, async ({ params: { ref, argument } }, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const current = rules();
    const isShown = (name: string) => host.serve.resources && !hidesResources(name, current);
    const of =
      ref.type === "ref/prompt"
        ? { prompt: namedPrompt(host, ref.name, current).name }
        : { template: ref.uri, isShown };
    const values = await inProtocol(() => hub.mcpResults.complete(of, argument, signal));
    return {
      completion: { values: values.slice(0, maxValues), total: values.length, hasMore: values.length > maxValues },
    };
  });
}

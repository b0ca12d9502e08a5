/**
 * All names of spans and metrics that this host exports. Names without `mcp_platform` come from OpenTelemetry's semantic conventions for
 * generative AI and MCP; a test compares them with `@opentelemetry/semantic-conventions`.
 */

import { presetOf } from "../llm/providers/presets.js";

export const attributes = {
  agentName: "gen_ai.agent.name",
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  conversationId: "gen_ai.conversation.id",
  requestModel: "gen_ai.request.model",
  requestStream: "gen_ai.request.stream",
  requestTemperature: "gen_ai.request.temperature",
  requestMaxTokens: "gen_ai.request.max_tokens",
  responseModel: "gen_ai.response.model",
  finishReasons: "gen_ai.response.finish_reasons",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cachedTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheWriteTokens: "gen_ai.usage.cache_creation.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  tokenType: "gen_ai.token.type",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  toolName: "gen_ai.tool.name",
  toolCallId: "gen_ai.tool.call.id",
  toolArguments: "gen_ai.tool.call.arguments",
  toolResult: "gen_ai.tool.call.result",
  mcpMethod: "mcp.method.name",
  rpcStatus: "rpc.response.status_code",
  httpStatus: "http.response.status_code",
  errorType: "error.type",
  transport: "network.transport",
  serverAddress: "server.address",
  serverPort: "server.port",
  serviceName: "service.name",
  serviceVersion: "service.version",
  // Names that this project defines.
  turnId: "mcp_platform.turn.id",
  stopReason: "mcp_platform.turn.stop_reason",
  turnState: "mcp_platform.turn.state",
  mcpServer: "mcp_platform.mcp.server",
  serverState: "mcp_platform.mcp.server.state",
  attempts: "mcp_platform.llm.attempts",
  isRetried: "mcp_platform.llm.is_retried",
  retryDelay: "mcp_platform.llm.retry_delay",
  cost: "mcp_platform.llm.cost",
} as const;

export const agentName = "mcp-platform";

export const operations = { chat: "chat", invokeAgent: "invoke_agent", executeTool: "execute_tool" } as const;
export const methods = { callTool: "tools/call" } as const;
export const tokenTypes = { input: "input", output: "output" } as const;
export const transports = { stdio: "pipe", remote: "tcp" } as const;

export const metrics = {
  completionDuration: "gen_ai.client.operation.duration",
  timeToFirstChunk: "gen_ai.client.operation.time_to_first_chunk",
  tokenUsage: "gen_ai.client.token.usage",
  toolDuration: "mcp.client.operation.duration",
  connectionDuration: "mcp.client.session.duration",
  eventLoopDelay: "nodejs.eventloop.delay.max",
  // Names that this project defines.
  longestGap: "mcp_platform.llm.longest_gap",
  failedAttempts: "mcp_platform.llm.failed_attempts",
  fallbacks: "mcp_platform.llm.fallbacks",
  cost: "mcp_platform.llm.cost",
  queueWait: "mcp_platform.llm.queue_wait",
  limiterActive: "mcp_platform.llm.limiter.active",
  limiterWaiting: "mcp_platform.llm.limiter.waiting",
  limiterLimit: "mcp_platform.llm.limiter.limit",
  breakerState: "mcp_platform.llm.breaker.state",
  breakerOpenings: "mcp_platform.llm.breaker.openings",
  turnDuration: "mcp_platform.turn.duration",
  turns: "mcp_platform.turns",
  sessions: "mcp_platform.sessions",
  serverState: "mcp_platform.mcp.server.states",
} as const;

export const spanEvents = {
  attemptFailed: "mcp_platform.llm.attempt_failed",
  fallback: "mcp_platform.llm.fallback",
} as const;

export function providerName(name: string): string {
  return presetOf(name)?.telemetryName ?? name;
}

/** Returns the Prometheus name of a metric or a label: no dots, and the unit at the end. https://prometheus.io/docs/practices/naming/ */
export function prometheusName(name: string, unit = "", isCounter = false): string {
  const units: Record<string, string> = { s: "_seconds", USD: "_usd" };
  return `${name.replaceAll(".", "_")}${units[unit] ?? ""}${isCounter ? "_total" : ""}`;
}

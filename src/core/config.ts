/** The validated configuration, as every layer receives its slice of it. Times are milliseconds here, whatever the file said. */

type JitterMode = "proportional" | "full" | "decorrelated";

/** `llm.http`, also what a provider may override. */
export interface TimeoutConfig {
  /** Response headers, per attempt. */
  timeoutMs: number;
  connectTimeoutMs: number;
  /** Headers to first real delta. */
  ttftTimeoutMs: number;
  /** Between progress deltas; comments are no progress. */
  idleTimeoutMs: number;
}

export interface HttpConfig extends TimeoutConfig {
  maxRetries: number;
  initialRetryDelayMs: number;
  maxRetryDelayMs: number;
  retryMultiplier: number;
  /** Share of the delay, drawn uniformly from plus or minus that share. */
  retryJitter: number;
  retryJitterMode: JitterMode;
  /** A longer server hint is not slept through. */
  maxRetryAfterMs: number;
  maxKeepaliveConnections: number;
  maxConnections: number;
  keepaliveExpiryMs: number;
  /** Waiting for a free connection. */
  queueTimeoutMs: number;
  /** Everything: queue, attempts, back-off, fallback. */
  totalTimeoutMs: number;
}

/** One entry of `llm.providers` as written; presets and keys are added by `llm/providers.ts`. */
export interface ProviderConfig extends Partial<TimeoutConfig> {
  baseUrl?: string;
  model?: string;
  apiKey?: string;
  headers?: Record<string, string>;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  /** Tokens the model can take; older whole turns are left out of a request beyond it. */
  contextWindow?: number;
  reasoning?: Record<string, unknown>;
  extraBody?: Record<string, unknown>;
}

export interface LlmConfig {
  /** Unset: the first provider that can be used, see design "First run without a key". */
  active?: string;
  fallback: readonly string[];
  http: HttpConfig;
  providers: Readonly<Record<string, ProviderConfig>>;
}

interface ServerCommon {
  name: string;
  enabled: boolean;
  /** A turn fails when this server is down, instead of going on without it. */
  required: boolean;
  /** The user vouches for this server's tool annotations. */
  trusted: boolean;
  timeoutMs: number;
  /** Absolute cap of a call that progress keeps alive. */
  maxTotalTimeoutMs: number;
  startupTimeoutMs: number;
  /** How long a turn waits for this server to get ready, counted from its start. */
  startupGraceMs: number;
  tools: { allow: readonly string[]; deny: readonly string[]; autoApprove: readonly string[] };
}

export interface StdioServerConfig extends ServerCommon {
  transport: "stdio";
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd?: string;
}

export interface RemoteServerConfig extends ServerCommon {
  /** `auto`: Streamable HTTP, then SSE where the server refuses it. */
  transport: "http" | "sse" | "auto";
  url: string;
  headers: Readonly<Record<string, string>>;
}

export type ServerConfig = StdioServerConfig | RemoteServerConfig;

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface ServiceConfig {
  systemPrompt: string;
  streaming: boolean;
  maxToolHops: number;
  /** Show tool calls and results to the person as they run. */
  toolNotifications: boolean;
  approval: "ask" | "auto";
}

export type StorageConfig = { driver: "sqlite"; path: string } | { driver: "memory" };

export interface Config {
  llm: LlmConfig;
  chat: { service: ServiceConfig; storage: StorageConfig };
  logging: { level: LogLevel };
  mcpServers: readonly ServerConfig[];
}

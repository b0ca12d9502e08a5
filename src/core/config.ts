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
  /** Unset: the environment decides (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); `""`: none. */
  proxy?: string;
  /** PEM file of authorities trusted beside the usual ones. */
  caFile?: string;
}

/** How a provider's API is spoken to: Chat Completions, OpenAI's Responses, Anthropic's Messages, Gemini's generateContent. */
export type WireName = "chat" | "responses" | "messages" | "gemini";

/** What an API does differently; a preset knows it for its provider. */
export interface QuirksConfig {
  tokenLimitKey: "max_tokens" | "max_completion_tokens";
  /** `content` of a message that only calls tools: null as OpenAI has it, else "" (Ollama rejects null). */
  nullContent: boolean;
  /** Understands `stream_options: { include_usage: true }`. */
  streamUsage: boolean;
  /** Takes `temperature` and `top_p`; reasoning models do not. */
  temperature: boolean;
  /** Takes `parallel_tool_calls`; OpenAI's o-models refuse even `false`. */
  parallelToolCalls: boolean;
  /** Wants the system prompt as a `developer` message. */
  developerRole: boolean;
  /** Wants `reasoning_content` back with tool calls (Kimi, DeepSeek); others answer 400 to it. */
  echoReasoning: boolean;
  /** Text between `<think>` and `</think>` is reasoning. */
  thinkTags: boolean;
  /** Mistral takes tool call ids of exactly nine letters and digits. */
  toolIds: "any" | "nine_alphanumeric";
  /** `plain`: only what Gemini and grammar-building local servers take. */
  toolSchemas: "full" | "plain";
  maxTools: number;
  /** Takes pictures, and sound; where it does not, a word on them is sent in their place. */
  images: boolean;
  audio: boolean;
}

/** One entry of `llm.providers` as written; presets and keys are added by `llm/providers.ts`. */
export interface ProviderConfig extends Partial<TimeoutConfig> {
  baseUrl?: string;
  /** Default: the preset's, and `chat` with a `baseUrl` of its own. */
  wire?: WireName;
  model?: string;
  apiKey?: string;
  /** One that is refused or used up is set aside, and the next one is tried. */
  apiKeys?: readonly string[];
  /** Azure: `model` is the name of the deployment. */
  apiVersion?: string;
  headers?: Record<string, string>;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  /** Tokens the model can take; older whole turns are left out of a request beyond it. */
  contextWindow?: number;
  reasoning?: Record<string, unknown>;
  /** How long the provider keeps what it has read, where the request says so (Messages). Default: `5m`. */
  cache?: "5m" | "1h" | "off";
  extraBody?: Record<string, unknown>;
  /** Requests and tokens a minute, requests at once. */
  rpm?: number;
  tpm?: number;
  maxConcurrency?: number;
  /** Without a first byte for so long, the request is sent a second time, and the faster answer counts. */
  hedgeAfterMs?: number;
  quirks?: Partial<QuirksConfig>;
}

/** `restart`: asked again, and what was shown is voided. `fail`: the turn fails, and what was shown is kept. */
export type StreamRecovery = "restart" | "fail";

/** US dollars per million tokens. */
export interface PriceConfig {
  input: number;
  output: number;
  /** Of input that the provider had in its cache. Default: `input`. */
  cachedInput?: number;
  /** Of input that the provider wrote to its cache. Default: `input`. */
  cacheWrite?: number;
  /** Of input that it wrote there for an hour. Default: `cacheWrite`. */
  cacheWrite1h?: number;
}

export interface LlmConfig {
  /** Unset: the first provider that can be used; without any, the demo model. */
  active?: string;
  fallback: readonly string[];
  /** What happens to a stream that breaks off after something was shown. `auto`: each front door decides. */
  streamRecovery: "auto" | StreamRecovery;
  http: HttpConfig;
  /** By `provider/model` or `model`; they win over the shipped table. */
  prices?: Readonly<Record<string, PriceConfig>>;
  providers: Readonly<Record<string, ProviderConfig>>;
}

interface ServerCommon {
  name: string;
  enabled: boolean;
  /** Why it must not be started, although it is enabled. */
  refusal?: string;
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
  /** Started at its first use, where it is known what it offers. */
  lazy: boolean;
  /** 0: never asked whether it is alive. */
  pingIntervalMs: number;
  /** Era of MCP; `auto` asks the server. */
  protocol: "auto" | "legacy" | "modern";
  /** Whether the server may let the model write something, at the user's cost. */
  sampling: "ask" | "allow" | "deny";
  /** Absolute paths of folders that the server is told to work in. None: it is told nothing. */
  roots: readonly string[];
  tools: {
    allow: readonly string[];
    deny: readonly string[];
    autoApprove: readonly string[];
    /** By pattern, in order; instead of `timeoutMs`. */
    timeoutsMs: Readonly<Record<string, number>>;
  };
}

export interface StdioServerConfig extends ServerCommon {
  transport: "stdio";
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /** A larger message fails its call. */
  maxMessageMb: number;
}

/** How to get the right to use a server. What is not set is found out from the server and its authorization server. */
export interface OAuthConfig {
  /** `authorization_code`: a person logs in. The others need nobody. */
  grant: "authorization_code" | "client_credentials" | "cross_app_access";
  clientId?: string;
  clientSecret?: string;
  /** Address of the client's metadata document, which is its id where servers take one (CIMD). */
  clientMetadataUrl?: string;
  /** Names parted by spaces. */
  scope?: string;
  /** PEM (PKCS #8) that the client signs with instead of sending a secret. */
  privateKeyFile?: string;
  signingAlg: string;
  /** Of the loopback address that the browser comes back to. */
  callbackPort?: number;
  /** The company's identity provider, for `cross_app_access`. */
  idp?: { tokenEndpoint: string; clientId: string; idTokenFile: string };
}

export interface RemoteServerConfig extends ServerCommon {
  /** `auto`: Streamable HTTP, then SSE where the server refuses it. */
  transport: "http" | "sse" | "auto";
  url: string;
  headers: Readonly<Record<string, string>>;
  oauth?: OAuthConfig;
}

export type ServerConfig = StdioServerConfig | RemoteServerConfig;

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Patterns of tools and calls, as written; deny wins over ask, ask over allow. */
export interface Permissions {
  allow: readonly string[];
  ask: readonly string[];
  deny: readonly string[];
}

export interface ServiceConfig {
  systemPrompt: string;
  streaming: boolean;
  maxToolHops: number;
  /** Show tool calls and results to the person as they run. */
  toolNotifications: boolean;
  /** How long running turns may take to end when the host is told to. */
  drainTimeoutMs: number;
  approval: "ask" | "auto";
  permissions: Permissions;
  /** Whether a tool is asked about because its definition has changed, although it would run unasked otherwise. */
  changedTools: "ask" | "allow";
  compaction: "auto" | "off";
  /** Of all tool definitions in a request; beyond it the model has to search for the rest. */
  toolBudgetTokens: number;
  /** A longer tool result is stored, and shown in part. */
  resultLimitTokens: number;
}

/** Where a turn pauses and asks whether to go on. Unset: no limit. */
export interface LimitsConfig {
  /** `hops` stands in for `ServiceConfig.maxToolHops`. */
  turn: { hops?: number; tokens?: number; usd?: number; timeMs?: number; calls?: number };
  conversation: { tokens?: number; usd?: number; calls?: number };
  /** Of the local calendar, over all conversations of the event log. */
  day: { tokens?: number; usd?: number };
}

/** What is deleted by itself; nothing when unset. */
export interface RetentionConfig {
  /** Since the last event of the conversation. */
  maxAgeMs?: number;
  /** The latest ones stay. */
  maxConversations?: number;
}

/** A database that many hosts share. */
export interface PostgresConfig {
  driver: "postgres";
  /** With its user and password: never to be shown. */
  url: string;
  poolSize?: number;
  /** False behind a pooler in transaction mode: no state of a session is relied on. */
  listen?: boolean;
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  /** How long work that can be done twice is tried again while the database is away. */
  retryTimeoutMs?: number;
  /** How long a host may say nothing before its turns go on elsewhere. */
  leaseMs?: number;
}

/** `full`: an acknowledged event also survives a power cut. */
export type StorageConfig = RetentionConfig &
  ({ driver: "sqlite"; path: string; durability?: "normal" | "full" } | { driver: "memory" } | PostgresConfig);

/** The network door. */
export interface ServeConfig {
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Unset: the one that the user's hosts keep in a file. */
  token?: string;
  /** Names in the Host header beside loopback ones. */
  allowedHosts: readonly string[];
  /** Web pages beside those of the host itself. */
  allowedOrigins: readonly string[];
  maxBodyMb: number;
  maxConnections: number;
  /** From one address. */
  requestsPerMinute: number;
  /** Models, as callers write them, for which they get no tools of the servers. */
  plainModels: readonly string[];
  /** Where other hosts on the same database reach this door, as a URL without a path. Unset: on a loopback address, by those of the same machine. */
  advertise?: string;
}

/** What this host is to MCP clients. */
export interface McpServeConfig {
  chat: boolean;
  /** Patterns. */
  tools: readonly string[];
  resources: boolean;
  prompts: boolean;
  /** A name that only one server has is left as it is there. */
  plainNames: boolean;
}

/** What is written to stderr. */
export interface LoggingConfig {
  level: LogLevel;
  /** In place of it, by the scope of what is said: `llm`, `mcp`… */
  modules: Readonly<Record<string, LogLevel>>;
  /** Bytes of one text in a line; a longer one is cut in its middle. */
  maxLength: number;
}

/** Where spans and metrics go, by OTLP. */
export interface TelemetryConfig {
  /** Unset: where an endpoint is named, here or in the environment. */
  enabled?: boolean;
  /** Without `/v1/traces`. */
  endpoint?: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  /** Whether spans say what people, models and tools said. */
  captureContent: boolean;
  /** Bytes of that in one attribute. */
  maxLength: number;
}

export interface Config {
  llm: LlmConfig;
  chat: { service: ServiceConfig; limits: LimitsConfig; storage: StorageConfig };
  serve: ServeConfig;
  logging: LoggingConfig;
  telemetry: TelemetryConfig;
  mcpServe: McpServeConfig;
  /** What servers offered the last time is offered until they are ready. */
  remembersTools: boolean;
  mcpServers: readonly ServerConfig[];
  /** Names of the environment variables in its `${NAME}` placeholders, without those that every process has, such as HOME. */
  privateVariables: readonly string[];
}

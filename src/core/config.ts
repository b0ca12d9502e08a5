/** The validated configuration, of which every layer receives its part. Times are in milliseconds, whatever unit the file used. */

type JitterMode = "proportional" | "full" | "decorrelated";

/** Timeouts of `llm.http`, which a provider may override. */
export interface TimeoutConfig {
  /** Until response headers, per attempt. */
  timeoutMs: number;
  connectTimeoutMs: number;
  /** From headers to the first real delta. */
  ttftTimeoutMs: number;
  /** Between progress deltas; comments do not count as progress. */
  idleTimeoutMs: number;
}

export interface HttpConfig extends TimeoutConfig {
  maxRetries: number;
  initialRetryDelayMs: number;
  maxRetryDelayMs: number;
  retryMultiplier: number;
  /** Share of the delay by which it varies, uniformly up or down. */
  retryJitter: number;
  retryJitterMode: JitterMode;
  /** Longest `Retry-After` to wait for; after a longer one the provider is not retried. */
  maxRetryAfterMs: number;
  maxKeepaliveConnections: number;
  maxConnections: number;
  keepaliveExpiryMs: number;
  /** Wait for a free connection. */
  queueTimeoutMs: number;
  /** Covers everything: queue, attempts, back-off, fallback. */
  totalTimeoutMs: number;
  /** Unset: by the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); `""`: no proxy. */
  proxy?: string;
  /** PEM file of authorities to trust besides the default ones. */
  caFile?: string;
}

/** API of a provider: Chat Completions, OpenAI's Responses, Anthropic's Messages, Gemini's generateContent. */
export type WireName = "chat" | "responses" | "messages" | "gemini";

/** Peculiarities of an API; a preset sets them for its provider. */
export interface QuirksConfig {
  tokenLimitKey: "max_tokens" | "max_completion_tokens";
  /** True: `content` of a message that only calls tools is null, as in OpenAI's API; false: "" (Ollama rejects null). */
  nullContent: boolean;
  /** Understands `stream_options: { include_usage: true }`. */
  streamUsage: boolean;
  /** Accepts `temperature` and `top_p`; reasoning models do not. */
  temperature: boolean;
  /** Accepts `parallel_tool_calls`; OpenAI's o-models refuse even `false`. */
  parallelToolCalls: boolean;
  /** Expects the system prompt as a `developer` message. */
  developerRole: boolean;
  /** Expects `reasoning_content` back with tool calls (Kimi, DeepSeek); others answer 400 to it. */
  echoReasoning: boolean;
  /** Text between `<think>` and `</think>` is reasoning. */
  thinkTags: boolean;
  /** Mistral accepts tool call ids of exactly nine letters and digits. */
  toolIds: "any" | "nine_alphanumeric";
  /** `plain`: only what Gemini and grammar-building local servers accept. */
  toolSchemas: "full" | "plain";
  maxTools: number;
  /** Accepts pictures and sound; otherwise a note replaces them. */
  images: boolean;
  audio: boolean;
}

/** An entry of `llm.providers` as written; `llm/providers/providers.ts` adds presets and keys. */
export interface ProviderConfig extends Partial<TimeoutConfig> {
  baseUrl?: string;
  /** Default: the preset's, or `chat` for a custom `baseUrl`. */
  wire?: WireName;
  model?: string;
  apiKey?: string;
  /** A key that is refused or used up is set aside, and the next one is tried. */
  apiKeys?: readonly string[];
  /** For Azure, where `model` is the name of the deployment. */
  apiVersion?: string;
  headers?: Record<string, string>;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  /** Tokens that the model accepts; a request beyond it leaves out older whole turns. */
  contextWindow?: number;
  reasoning?: Record<string, unknown>;
  /** How long the provider caches the prompt, if the request sets it (Messages). Default: `5m`. */
  cache?: "5m" | "1h" | "off";
  extraBody?: Record<string, unknown>;
  /** Requests per minute, tokens per minute, concurrent requests. */
  rpm?: number;
  tpm?: number;
  maxConcurrency?: number;
  /** Time without a first byte after which the request is sent a second time; the faster answer counts. */
  hedgeAfterMs?: number;
  quirks?: Partial<QuirksConfig>;
}

/** `restart`: the request is repeated, and what was shown is voided. `fail`: the turn fails, and what was shown is kept. */
export type StreamRecovery = "restart" | "fail";

/** US dollars per million tokens. */
export interface PriceConfig {
  input: number;
  output: number;
  /** Input read from the provider's cache. Default: `input`. */
  cachedInput?: number;
  /** Input written to the provider's cache. Default: `input`. */
  cacheWrite?: number;
  /** Input written to that cache for an hour. Default: `cacheWrite`. */
  cacheWrite1h?: number;
}

export interface LlmConfig {
  /** Unset: the first usable provider, or else the demo model. */
  active?: string;
  fallback: readonly string[];
  /** Handling of a stream that breaks off after something was shown. `auto`: each front door decides. */
  streamRecovery: "auto" | StreamRecovery;
  http: HttpConfig;
  /** By `provider/model` or `model`; they override the shipped table. */
  prices?: Readonly<Record<string, PriceConfig>>;
  providers: Readonly<Record<string, ProviderConfig>>;
}

interface ServerCommon {
  name: string;
  enabled: boolean;
  /** Why it must not be started, although it is enabled. */
  refusal?: string;
  /** True: a turn fails if this server is down. False: it continues without the server. */
  required: boolean;
  /** True if the user vouches for this server's tool annotations. */
  trusted: boolean;
  timeoutMs: number;
  /** Absolute limit of a call that progress keeps alive. */
  maxTotalTimeoutMs: number;
  startupTimeoutMs: number;
  /** How long a turn waits for this server to get ready, counted from its start. */
  startupGraceMs: number;
  /** True: started at its first use, if its tools are known from earlier. */
  lazy: boolean;
  /** 0: never pinged. */
  pingIntervalMs: number;
  /** Era of MCP; `auto` asks the server. */
  protocol: "auto" | "legacy" | "modern";
  /** Whether the server may make the model write something, at the user's cost. */
  sampling: "ask" | "allow" | "deny";
  /** Absolute paths of the folders announced to the server to work in. Empty: nothing is announced. */
  roots: readonly string[];
  tools: {
    allow: readonly string[];
    deny: readonly string[];
    autoApprove: readonly string[];
    /** By pattern, in order; overrides `timeoutMs`. */
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

/** Settings to obtain authorization for a server. Unset fields are discovered from the server and its authorization server. */
export interface OAuthConfig {
  /** `authorization_code`: a person logs in. The others need nobody. */
  grant: "authorization_code" | "client_credentials" | "cross_app_access";
  clientId?: string;
  clientSecret?: string;
  /** Address of the client's metadata document, which serves as its id on servers that support CIMD. */
  clientMetadataUrl?: string;
  /** Names separated by spaces. */
  scope?: string;
  /** PEM (PKCS #8) with which the client signs instead of sending a secret. */
  privateKeyFile?: string;
  signingAlg: string;
  /** Port of the loopback address that the browser returns to. */
  callbackPort?: number;
  /** The company's identity provider, for `cross_app_access`. */
  idp?: { tokenEndpoint: string; clientId: string; idTokenFile: string };
}

export interface RemoteServerConfig extends ServerCommon {
  /** `auto`: Streamable HTTP, then SSE if the server refuses it. */
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
  /** Shows tool calls and results to the person as they run. */
  toolNotifications: boolean;
  /** How long running turns may take to end when the host is told to stop. */
  drainTimeoutMs: number;
  approval: "ask" | "auto";
  permissions: Permissions;
  /** `ask`: a tool whose definition has changed needs approval, even if it would run unasked otherwise. */
  changedTools: "ask" | "allow";
  compaction: "auto" | "off";
  /** Limit of all tool definitions in a request; beyond it the model must search for the rest. */
  toolBudgetTokens: number;
  /** A longer tool result is stored, and shown in part. */
  resultLimitTokens: number;
}

/** Limits at which a turn pauses and asks whether to continue. Unset: no limit. */
export interface LimitsConfig {
  /** `hops` replaces `ServiceConfig.maxToolHops`. */
  turn: { hops?: number; tokens?: number; usd?: number; timeMs?: number; calls?: number };
  conversation: { tokens?: number; usd?: number; calls?: number };
  /** Per day of the local calendar, over all conversations of the event log. */
  day: { tokens?: number; usd?: number };
}

/** Rules for automatic deletion; unset: nothing is deleted. */
export interface RetentionConfig {
  /** Age since the conversation's last event. */
  maxAgeMs?: number;
  /** The latest ones stay. */
  maxConversations?: number;
}

/** A database that many hosts share. */
export interface PostgresConfig {
  driver: "postgres";
  /** Contains user and password: never show it. */
  url: string;
  poolSize?: number;
  /** False behind a pooler in transaction mode: nothing then relies on session state. */
  listen?: boolean;
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  /** How long repeatable work is retried while the database is unreachable. */
  retryTimeoutMs?: number;
  /** How long a host may be silent before others take over its turns. */
  leaseMs?: number;
}

/** `full`: an acknowledged event also survives a power cut. */
export type StorageConfig = RetentionConfig &
  ({ driver: "sqlite"; path: string; durability?: "normal" | "full" } | { driver: "memory" } | PostgresConfig);

/** Settings of the HTTP front door. */
export interface ServeConfig {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Unset: the token that the user's hosts share in a file. */
  token?: string;
  /** Allowed names in the Host header, besides loopback ones. */
  allowedHosts: readonly string[];
  /** Allowed origins of web pages, besides the host's own. */
  allowedOrigins: readonly string[];
  maxBodyMb: number;
  maxConnections: number;
  /** Per client address. */
  requestsPerMinute: number;
  /** Models, as callers write them, that get none of the servers' tools. */
  plainModels: readonly string[];
  /**
   * URL, without a path, at which other hosts on the same database reach this one. Unset: hosts of the same machine use its loopback
   * address, if it has one.
   */
  advertise?: string;
}

/** Parts of this host that MCP clients get. */
export interface McpServeConfig {
  chat: boolean;
  tools: readonly string[];
  resources: boolean;
  prompts: boolean;
  /** True: a name that only one server uses stays unchanged. */
  plainNames: boolean;
}

/** Settings of what is written to stderr. */
export interface LoggingConfig {
  level: LogLevel;
  /** Overrides `level` by scope: `llm`, `mcp`… */
  modules: Readonly<Record<string, LogLevel>>;
  /** Bytes of one text in a line; a longer one is cut in its middle. */
  maxLength: number;
}

/** Settings of the OTLP export of spans and metrics. */
export interface TelemetryConfig {
  /** Unset: enabled if an endpoint is set, here or in the environment. */
  enabled?: boolean;
  /** Without `/v1/traces`. */
  endpoint?: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  /** True: spans include what people, models and tools said. */
  captureContent: boolean;
  /** Limit of such text per attribute, in bytes. */
  maxLength: number;
}

export interface Config {
  llm: LlmConfig;
  chat: { service: ServiceConfig; limits: LimitsConfig; storage: StorageConfig };
  serve: ServeConfig;
  logging: LoggingConfig;
  telemetry: TelemetryConfig;
  mcpServe: McpServeConfig;
  /** True: what servers offered last time is offered until they are ready. */
  remembersTools: boolean;
  mcpServers: readonly ServerConfig[];
  /** Names of environment variables in `${NAME}` placeholders, except those that every process has, such as HOME. */
  privateVariables: readonly string[];
}

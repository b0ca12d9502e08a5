/** The validated configuration. Every layer receives only its part. Times are in milliseconds, whatever unit the file used. */

type JitterMode = "proportional" | "full" | "decorrelated";

/** Timeouts of `llm.http`, which a provider may override. */
export interface TimeoutConfig {
  /** Longest wait for the response headers, per attempt. */
  timeoutMs: number;
  connectTimeoutMs: number;
  /** Longest time from the headers to the first delta of the answer. */
  ttftTimeoutMs: number;
  /** Longest time between two deltas of the answer. Comments in the event stream do not count. */
  idleTimeoutMs: number;
}

export interface HttpConfig extends TimeoutConfig {
  maxRetries: number;
  initialRetryDelayMs: number;
  maxRetryDelayMs: number;
  retryMultiplier: number;
  /** Share of a retry delay by which that delay varies at random, up or down. */
  retryJitter: number;
  retryJitterMode: JitterMode;
  /** Longest `Retry-After` that is obeyed. After a longer one the provider is not asked again. */
  maxRetryAfterMs: number;
  maxKeepaliveConnections: number;
  maxConnections: number;
  keepaliveExpiryMs: number;
  /** Longest wait in the queue for a free connection. */
  queueTimeoutMs: number;
  /** Time limit of a whole call: queue, attempts, back-off and fallback together. */
  totalTimeoutMs: number;
  /** URL of the proxy. Unset: taken from the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). `""`: no proxy. */
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
  /** True if the API understands `stream_options: { include_usage: true }`. */
  streamUsage: boolean;
  /** True if the model accepts `temperature` and `top_p`; reasoning models do not. */
  temperature: boolean;
  /** True if the API accepts `parallel_tool_calls`; for OpenAI's o-models it refuses even `false`. */
  parallelToolCalls: boolean;
  /** True if the API expects the system prompt as a `developer` message. */
  developerRole: boolean;
  /** True if the API expects `reasoning_content` back with tool calls (Kimi, DeepSeek); other APIs answer 400 to it. */
  echoReasoning: boolean;
  /** True if text between `<think>` and `</think>` is reasoning. */
  thinkTags: boolean;
  /** Form of tool call ids. Mistral accepts only ids of exactly nine letters and digits. */
  toolIds: "any" | "nine_alphanumeric";
  /** `plain`: tool schemas are reduced to the keywords that Gemini and local servers that build grammars accept. */
  toolSchemas: "full" | "plain";
  maxTools: number;
  /** `images` and `audio`: true if the model accepts pictures and sound. Otherwise a note replaces them. */
  images: boolean;
  audio: boolean;
}

/** An entry of `llm.providers` as written; `llm/providers/providers.ts` adds presets and keys. */
export interface ProviderConfig extends Partial<TimeoutConfig> {
  baseUrl?: string;
  /** The provider's API. Default: the API of the preset, or `chat` for a custom `baseUrl`. */
  wire?: WireName;
  model?: string;
  apiKey?: string;
  /** A key that is refused or used up is set aside, and the next one is tried. */
  apiKeys?: readonly string[];
  /** Version of Azure's API. At Azure, `model` is the name of the deployment. */
  apiVersion?: string;
  headers?: Record<string, string>;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  /** Number of tokens that the model accepts. A longer request leaves out its oldest turns, always whole turns. */
  contextWindow?: number;
  reasoning?: Record<string, unknown>;
  /** How long the provider caches the prompt, for APIs whose requests set it (Messages). Default: `5m`. */
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

/** `restart`: the request is repeated, and the text shown so far is voided. `fail`: the turn fails, and the text shown so far is kept. */
export type StreamRecovery = "restart" | "fail";

/** US dollars per million tokens. */
export interface PriceConfig {
  input: number;
  output: number;
  /** Input read from the provider's cache. Default: `input`. */
  cachedInput?: number;
  /** Input written to the provider's cache. Default: `input`. */
  cacheWrite?: number;
  /** Input written to the provider's cache for an hour. Default: `cacheWrite`. */
  cacheWrite1h?: number;
}

export interface LlmConfig {
  /** The provider that is asked first. Unset: the first usable provider, or else the demo model. */
  active?: string;
  fallback: readonly string[];
  /** Handling of a stream that breaks off after some text was shown. `auto`: each frontend decides. */
  streamRecovery: "auto" | StreamRecovery;
  http: HttpConfig;
  /** Prices keyed by `provider/model` or `model`. They override the built-in table. */
  prices?: Readonly<Record<string, PriceConfig>>;
  providers: Readonly<Record<string, ProviderConfig>>;
}

interface ServerCommon {
  name: string;
  enabled: boolean;
  /** Set if the server must not be started although it is enabled: the reason. */
  refusal?: string;
  /** True: a turn fails if this server is down. False: it continues without the server. */
  required: boolean;
  /** True if the user vouches for this server's tool annotations. */
  trusted: boolean;
  timeoutMs: number;
  /** Limit of a whole call. Progress messages extend `timeoutMs`, but not this limit. */
  maxTotalTimeoutMs: number;
  startupTimeoutMs: number;
  /** How long a turn waits until this server is ready, counted from the server's start. */
  startupGraceMs: number;
  /** True: the server is started only at its first use, provided that its tools are known from an earlier run. */
  lazy: boolean;
  /** Time between two pings. 0: the server is never pinged. */
  pingIntervalMs: number;
  /** Era of the MCP protocol. `auto`: the host asks the server which one it speaks. */
  protocol: "auto" | "legacy" | "modern";
  /** Whether the server may make the model write something, at the user's cost. */
  sampling: "ask" | "allow" | "deny";
  /** Absolute paths of the folders in which the server is asked to work. Empty: the server is told no folders. */
  roots: readonly string[];
  tools: {
    allow: readonly string[];
    deny: readonly string[];
    autoApprove: readonly string[];
    /** Timeouts keyed by tool pattern, tried in order. They override `timeoutMs`. */
    timeoutsMs: Readonly<Record<string, number>>;
  };
}

export interface StdioServerConfig extends ServerCommon {
  transport: "stdio";
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /**
   * Set for a server without `cwd` whose file is outside the working folder. The server starts in `own`, because files of the working folder,
   * such as a cloned repository, can decide which program npx runs. Relative paths such as `./x` in command and arguments mean `working`.
   */
  folders?: { own: string; working: string };
  /** Limit of one message from the server. A larger message fails its call. */
  maxMessageMb: number;
}

/** Settings to obtain authorization for a server. Unset fields are discovered from the server and its authorization server. */
export interface OAuthConfig {
  /** `authorization_code`: a person logs in. The other grants need no person. */
  grant: "authorization_code" | "client_credentials" | "cross_app_access";
  clientId?: string;
  clientSecret?: string;
  /** Address of the client's metadata document, which serves as its id on servers that support CIMD. */
  clientMetadataUrl?: string;
  /** Names of scopes, separated by spaces. */
  scope?: string;
  /** PEM file (PKCS #8) of the key with which the client signs instead of sending a secret. */
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
  /** Limit of all tool definitions in a request. Tools beyond this limit are not listed; the model must search for them. */
  toolBudgetTokens: number;
  /** Limit of a tool result. A longer result is stored, and the model gets only a part of it. */
  resultLimitTokens: number;
}

/** Limits at which a turn pauses and asks whether to continue. Unset: no limit. */
export interface LimitsConfig {
  /** `hops` overrides `ServiceConfig.maxToolHops`. */
  turn: { hops?: number; tokens?: number; usd?: number; timeMs?: number; calls?: number };
  conversation: { tokens?: number; usd?: number; calls?: number };
  /** Per day of the local calendar, over all conversations of the event log. */
  day: { tokens?: number; usd?: number };
}

/** Rules for automatic deletion; unset: nothing is deleted. */
export interface RetentionConfig {
  /** A conversation is deleted when its last event is older than this. */
  maxAgeMs?: number;
  /** Number of conversations to keep, the latest ones. */
  maxConversations?: number;
}

/** A database that many hosts share. */
export interface PostgresConfig {
  driver: "postgres";
  /** Contains user and password: never show it. */
  url: string;
  poolSize?: number;
  /** Set to false behind a pooler in transaction mode: the host then does not rely on the state of a database session. */
  listen?: boolean;
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  /** How long operations that may be repeated are retried while the database is unreachable. */
  retryTimeoutMs?: number;
  /** How long a host may be silent before others take over its turns. */
  leaseMs?: number;
  /** True: a database is used in which every role may create functions in the schema of the log. */
  sharedSchema?: boolean;
}

/** Where conversations are stored. `durability: full`: an acknowledged event also survives a power cut. */
export type StorageConfig = RetentionConfig &
  ({ driver: "sqlite"; path: string; durability?: "normal" | "full" } | { driver: "memory" } | PostgresConfig);

/** Settings of the HTTP frontend. */
export interface ServeConfig {
  host: string;
  /** Port to listen on. 0: any free port. */
  port: number;
  /** Token that callers must send. Unset: the token that the user's hosts share in a file. */
  token?: string;
  /** Allowed names in the Host header, besides loopback ones. */
  allowedHosts: readonly string[];
  /** Allowed origins of web pages, besides the host's own. */
  allowedOrigins: readonly string[];
  maxBodyMb: number;
  maxConnections: number;
  /** Limit for each client address. */
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
  /** True: a name that only one server uses is offered as that server wrote it, without the server's name as prefix. */
  plainNames: boolean;
}

/** Settings of what is written to stderr. */
export interface LoggingConfig {
  level: LogLevel;
  /** Levels of single scopes (`llm`, `mcp`…), which override `level`. */
  modules: Readonly<Record<string, LogLevel>>;
  /** Maximum size, in bytes, of one text in a log line. A longer text is cut in its middle. */
  maxLength: number;
}

/** Settings of the OTLP export of spans and metrics. */
export interface TelemetryConfig {
  /** True if the export is on. Unset: it is on if an endpoint is set, here or in the environment. */
  enabled?: boolean;
  /** URL of the collector, without `/v1/traces`. */
  endpoint?: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  /** True: spans include what people, models and tools said. */
  captureContent: boolean;
  /** Limit of captured text per attribute, in bytes. */
  maxLength: number;
}

export interface Config {
  llm: LlmConfig;
  chat: { service: ServiceConfig; limits: LimitsConfig; storage: StorageConfig };
  serve: ServeConfig;
  logging: LoggingConfig;
  telemetry: TelemetryConfig;
  mcpServe: McpServeConfig;
  /** True: until a server is ready, the tools that it offered last time are offered. */
  remembersTools: boolean;
  mcpServers: readonly ServerConfig[];
  /** Names of environment variables in `${NAME}` placeholders, except those that every process has, such as HOME. */
  privateVariables: readonly string[];
}

/** The validated configuration. Every layer receives only its part. Times are in milliseconds, whatever unit the file used. */
import type { ProgramTool } from "./ports.js";

type JitterMode = "proportional" | "full" | "decorrelated";

/** Time limits of `llm.http`. A provider may override them. */
export interface TimeoutConfig {
  /** Maximum time until the response headers arrive, per attempt. */
  timeoutMs: number;
  connectTimeoutMs: number;
  /** Maximum time from the response headers to the first delta of the answer. */
  ttftTimeoutMs: number;
  /** Maximum time between two deltas of the answer. Comments in the event stream do not count as deltas. */
  idleTimeoutMs: number;
}

export interface HttpConfig extends TimeoutConfig {
  maxRetries: number;
  initialRetryDelayMs: number;
  maxRetryDelayMs: number;
  retryMultiplier: number;
  /** Fraction of a retry delay by which the delay varies at random, up or down. */
  retryJitter: number;
  retryJitterMode: JitterMode;
  /** Longest `Retry-After` that the host waits for. If a provider asks for a longer wait, the request is not retried. */
  maxRetryAfterMs: number;
  maxKeepaliveConnections: number;
  maxConnections: number;
  keepaliveExpiryMs: number;
  /** Maximum time that a request waits in the queue for a free connection. */
  queueTimeoutMs: number;
  /** Time limit of a whole call: queue, attempts, back-off and fallback together. */
  totalTimeoutMs: number;
  /** URL of the proxy. If unset, the environment decides (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). `""`: no proxy. */
  proxy?: string;
  /** PEM file with certificate authorities to trust in addition to the default ones. */
  caFile?: string;
}

/** API of a provider: Chat Completions, OpenAI's Responses, Anthropic's Messages, Gemini's generateContent. */
export type WireName = "chat" | "responses" | "messages" | "gemini";

/**
 * Peculiarities of a provider's API. They come from the provider's preset (its built-in settings), and the configuration may override them.
 */
export interface QuirksConfig {
  tokenLimitKey: "max_tokens" | "max_completion_tokens";
  /**
   * True if messages that only call tools are sent with `content: null`, as in OpenAI's API. False: with `content: ""`, because Ollama
   * rejects null.
   */
  nullContent: boolean;
  /** True if the API understands `stream_options: { include_usage: true }`. */
  streamUsage: boolean;
  /** True if the model accepts `temperature` and `top_p`; reasoning models do not. */
  temperature: boolean;
  /** True if the API accepts `parallel_tool_calls`. For its o-models, OpenAI refuses even `false`. */
  parallelToolCalls: boolean;
  /** True if the API expects the system prompt as a `developer` message. */
  developerRole: boolean;
  /**
   * True if the API expects `reasoning_content` to be sent back with tool calls (Kimi, DeepSeek). Other APIs answer 400 to a request with
   * `reasoning_content`.
   */
  echoReasoning: boolean;
  /** True if text between `<think>` and `</think>` is reasoning. */
  thinkTags: boolean;
  /** Form of tool call ids. Mistral accepts only ids of exactly nine letters and digits. */
  toolIds: "any" | "nine_alphanumeric";
  /** `plain`: tool schemas are reduced to a few keywords, for Gemini and for local servers that turn schemas into grammars. */
  toolSchemas: "full" | "plain";
  maxTools: number;
  /** `images`, `audio` and `files`: true if the model accepts pictures, sound or PDFs. If false, a note takes their place. */
  images: boolean;
  audio: boolean;
  files: boolean;
}

/**
 * An entry of `llm.providers`, as the configuration has it. `llm/providers/providers.ts` adds the provider's preset (its built-in settings)
 * and the keys.
 */
export interface ProviderConfig extends Partial<TimeoutConfig> {
  baseUrl?: string;
  /** The provider's API. Default: the API of the preset, or `chat` for a custom `baseUrl`. */
  wire?: WireName;
  model?: string;
  apiKey?: string;
  /** Several keys. If a key is refused or used up, another key is used. */
  apiKeys?: readonly string[];
  /** Value of `?api-version=`. A provider that has it gets the name of a deployment as `model`. */
  apiVersion?: string;
  headers?: Record<string, string>;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  /** Number of tokens that the model accepts. If a request would be longer, its oldest turns are left out as a whole. */
  contextWindow?: number;
  reasoning?: Record<string, unknown>;
  /** How long the provider caches the prompt. Used by APIs that let a request choose (Messages). Default: `5m`. */
  cache?: "5m" | "1h" | "off";
  extraBody?: Record<string, unknown>;
  /** Maximum requests per minute (`rpm`), tokens per minute (`tpm`), and concurrent requests. */
  rpm?: number;
  tpm?: number;
  maxConcurrency?: number;
  /** If no byte has arrived after this time, the request is sent a second time. The faster answer counts. */
  hedgeAfterMs?: number;
  quirks?: Partial<QuirksConfig>;
}

/**
 * Recovery from a stream that breaks off. `restart`: the request is repeated, and the text shown so far is voided. `fail`: the turn fails,
 * and the text shown so far is kept.
 */
export type StreamRecovery = "restart" | "fail";

/** Prices in US dollars per million tokens. */
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
  /** The provider that is asked first. If unset, the first usable provider is chosen, or the demo model if there is none. */
  active?: string;
  fallback: readonly string[];
  /** Handling of a stream that breaks off after some text was shown. `auto`: each front door (terminal, HTTP, …) decides for itself. */
  streamRecovery: "auto" | StreamRecovery;
  http: HttpConfig;
  /** Prices keyed by `provider/model` or `model`. They override the built-in table. */
  prices?: Readonly<Record<string, PriceConfig>>;
  providers: Readonly<Record<string, ProviderConfig>>;
}

export interface ServerCommon {
  name: string;
  enabled: boolean;
  /** Reason why the server must not be started although it is enabled. Unset: it may be started. */
  refusal?: string;
  /** Values of the environment variables that this server's settings take by `${NAME}`, except common variables such as HOME. */
  placeholderValues?: readonly string[];
  /** True: a turn fails if this server is down. False: it continues without the server. */
  required: boolean;
  /** True if the user vouches for this server's tool annotations. */
  trusted: boolean;
  timeoutMs: number;
  /** Limit of a whole call. Progress messages extend `timeoutMs`, but not this limit. */
  maxTotalTimeoutMs: number;
  startupTimeoutMs: number;
  /** How long a turn waits for this server to become ready, counted from the server's start. */
  startupGraceMs: number;
  /** True: the server is started only when it is first used, provided that its tools are known from an earlier run. */
  lazy: boolean;
  /** Time between two pings. 0: the server is never pinged. */
  pingIntervalMs: number;
  /** Version of the MCP protocol, old or new. `auto`: the host asks the server which one it supports. */
  protocol: "auto" | "legacy" | "modern";
  /** Whether the server may ask the model to write something, at the user's cost. */
  sampling: "ask" | "allow" | "deny";
  /** Absolute paths of the folders in which the server is asked to work. If empty, the server is given no folders. */
  roots: readonly string[];
  tools: {
    allow: readonly string[];
    deny: readonly string[];
    autoApprove: readonly string[];
    /** Timeouts keyed by tool pattern. The first pattern that matches counts. These timeouts override `timeoutMs`. */
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
   * Set for a server without `cwd` whose configuration file is outside the working folder. The server then starts in the folder `own`,
   * because files of the working folder, such as a cloned repository, could decide which program npx runs. In the command and its
   * arguments, relative paths such as `./x` are relative to `working`.
   */
  folders?: { own: string; working: string };
  /** Maximum size of one message from the server. If a message is larger, the call that it answers fails. */
  maxMessageMb: number;
}

/** Settings for obtaining authorization at a server. Unset fields are discovered from the server and its authorization server. */
export interface OAuthConfig {
  /** `authorization_code`: a person logs in. The other grants need no person. */
  grant: "authorization_code" | "client_credentials" | "cross_app_access";
  clientId?: string;
  clientSecret?: string;
  /** Address of the client's metadata document. On servers that support CIMD, the address is the client's id. */
  clientMetadataUrl?: string;
  /** Names of scopes, separated by spaces. */
  scope?: string;
  /** PEM file (PKCS #8) with the key by which the client signs its requests for tokens. If set, no client secret is sent. */
  privateKeyFile?: string;
  signingAlg: string;
  /** Port of the loopback address that the browser returns to. */
  callbackPort?: number;
  /** The company's identity provider, for `cross_app_access`. */
  idp?: { tokenEndpoint: string; clientId: string; idTokenFile: string };
}

export interface RemoteServerConfig extends ServerCommon {
  /** `auto`: Streamable HTTP is tried first, then SSE if the server refuses it. */
  transport: "http" | "sse" | "auto";
  url: string;
  headers: Readonly<Record<string, string>>;
  oauth?: OAuthConfig;
  /** True if another server of the configuration has the same URL. Each of them then has a login of its own, such as for another account. */
  sharesUrl?: true;
}

/** A server that a configuration file can have. */
export type ConfiguredServer = StdioServerConfig | RemoteServerConfig;

/** The tools of the program that uses the library. */
export interface ProgramServerConfig extends ServerCommon {
  transport: "program";
  /** The program's main file. Stored approvals hold for this program only. */
  program: string;
  offers: readonly ProgramTool[];
}

export type ServerConfig = ConfiguredServer | ProgramServerConfig;

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/**
 * Patterns of tools and calls, as the configuration has them. If a call matches several lists, `deny` counts before `ask`, and `ask` before
 * `allow`.
 */
export interface Permissions {
  allow: readonly string[];
  ask: readonly string[];
  deny: readonly string[];
}

export interface ServiceConfig {
  systemPrompt: string;
  streaming: boolean;
  maxToolHops: number;
  /** Maximum number of turns that run or wait on one host. Beyond it, prompts are refused. */
  maxTurns: number;
  /** Whether tool calls and their results are shown to the person as they run. */
  toolNotifications: boolean;
  /** How long running turns may continue after the host is asked to stop. */
  drainTimeoutMs: number;
  approval: "ask" | "auto";
  permissions: Permissions;
  /** `ask`: a tool whose definition has changed needs approval, even if it would otherwise run without asking. */
  changedTools: "ask" | "allow";
  compaction: "auto" | "off";
  /** Maximum size of all tool definitions in a request. Tools that do not fit are not listed; the model must search for them. */
  toolBudgetTokens: number;
  /** Maximum size of a tool result. If a result is longer, it is stored, and the model gets only a part of it. */
  resultLimitTokens: number;
}

/** Limits at which a turn pauses and asks whether to continue. Unset: no limit. */
export interface LimitsConfig {
  /** `hops` overrides `ServiceConfig.maxToolHops`. */
  turn: { hops?: number; tokens?: number; usd?: number; timeMs?: number; calls?: number };
  conversation: { tokens?: number; usd?: number; calls?: number };
  /** Limits per day of the local calendar, over all conversations of the event log. */
  day: { tokens?: number; usd?: number };
}

/** Titles of conversations that nobody has named. */
export interface TitlesConfig {
  /** `model`: the model is asked for one after the first answer. `off`: lists show no title, but the time. */
  by: "model" | "first-words" | "off";
  /** The model that is asked, as `provider/model`. Default: that of the conversation. */
  model?: string;
}

/** Rules for automatic deletion. If none is set, nothing is deleted. */
export interface RetentionConfig {
  /** A conversation is deleted when its last event is older than this. */
  maxAgeMs?: number;
  /** Number of conversations to keep. The latest ones are kept. */
  maxConversations?: number;
}

export interface PostgresConfig {
  driver: "postgres";
  /** Contains user and password: never show it. */
  url: string;
  poolSize?: number;
  /** False: the host does not use LISTEN or any other state of a database session. Must be false behind a pooler in transaction mode. */
  listen?: boolean;
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  /** How long an operation is retried while the database is unreachable, provided that it may be repeated. */
  retryTimeoutMs?: number;
  /** A host that has been silent for this long loses its turns to other hosts. */
  leaseMs?: number;
  /** True: the host accepts a database in which every role may create functions in the schema of the log. */
  sharedSchema?: boolean;
}

/** Where conversations are stored. With `durability: full`, an acknowledged event survives even a power cut. */
export type StorageConfig = RetentionConfig &
  ({ driver: "sqlite"; path: string; durability?: "normal" | "full" } | { driver: "memory" } | PostgresConfig);

export interface ServeConfig {
  host: string;
  /** Port to listen on. 0: any free port. */
  port: number;
  /** Token that callers must send. If unset, it is the token in a file that all hosts of the user share. */
  token?: string;
  /** Names that are allowed in the Host header, in addition to loopback names. */
  allowedHosts: readonly string[];
  /** Allowed origins of web pages, in addition to the host's own origin. */
  allowedOrigins: readonly string[];
  maxBodyMb: number;
  maxConnections: number;
  /** Maximum number of requests for each client address. */
  requestsPerMinute: number;
  /** Names of models for plain chat. An API request that names one of them gets none of the MCP servers' tools. */
  plainModels: readonly string[];
  /** Time after which conversations that were created for a single API call are deleted. Unset: they are kept like all others. */
  statelessRetentionMs?: number;
}

/** The parts of this host that MCP clients can use. */
export interface McpServeConfig {
  chat: boolean;
  tools: readonly string[];
  resources: boolean;
  prompts: boolean;
  /** True: if only one server uses a tool name, the tool is offered under that name, without the server's name as prefix. */
  plainNames: boolean;
}

export interface LoggingConfig {
  level: LogLevel;
  /** Levels of single scopes (`llm`, `mcp`…). They override `level`. */
  modules: Readonly<Record<string, LogLevel>>;
  /** Maximum size, in bytes, of one text in a log line. A longer text is cut in its middle. */
  maxLength: number;
  /** `auto`: lines for people if stderr is a terminal, else JSON. */
  format: "auto" | "json";
}

/** Settings of the OTLP export of spans and metrics. */
export interface TelemetryConfig {
  /** True if the export is on. Unset: it is on if an endpoint is set, here or in the environment. */
  enabled?: boolean;
  /** URL of the collector, without `/v1/traces`. */
  endpoint?: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  /** True: spans include what people, models and tools have said. */
  captureContent: boolean;
  /** Limit of captured text per attribute, in bytes. */
  maxLength: number;
}

export interface Config {
  llm: LlmConfig;
  chat: { service: ServiceConfig; limits: LimitsConfig; titles: TitlesConfig; storage: StorageConfig };
  serve: ServeConfig;
  logging: LoggingConfig;
  telemetry: TelemetryConfig;
  mcpServe: McpServeConfig;
  /** True: as long as a server is not ready, the host offers the tools that this server had when it was last connected. */
  remembersTools: boolean;
  mcpServers: readonly ConfiguredServer[];
  /** Names of the environment variables used in `${NAME}` placeholders. Variables that every process has, such as HOME, are excluded. */
  privateVariables: readonly string[];
}

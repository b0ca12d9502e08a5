import type {
  Config,
  ConfiguredServer,
  HttpConfig,
  LimitsConfig,
  LlmConfig,
  LoggingConfig,
  LogLevel,
  McpServeConfig,
  OAuthConfig,
  PriceConfig,
  ProviderConfig,
  ServeConfig,
  ServiceConfig,
  StdioServerConfig,
  StorageConfig,
  TelemetryConfig,
  TitlesConfig,
} from "../../core/config.js";
import type { JsonObject } from "../../core/json.js";
import { parseDuration } from "../../core/text/durations.js";

/** A configuration that matches the schema, with all defaults filled in. */
interface ConfigTree {
  llm: {
    active?: string;
    fallback: string[];
    stream_recovery: LlmConfig["streamRecovery"];
    http: JsonObject;
    prices: Record<string, JsonObject>;
    providers: Record<string, JsonObject>;
  };
  chat: {
    service: {
      system_prompt: string;
      streaming: { enabled: boolean };
      max_tool_hops: number;
      tool_notifications: boolean | { enabled: boolean };
      drain_timeout: number;
      max_turns: number;
      approval: ServiceConfig["approval"];
      changed_tools: ServiceConfig["changedTools"];
      compaction: ServiceConfig["compaction"];
      tool_budget_tokens: number;
      result_limit_tokens: number;
      permissions: ServiceConfig["permissions"];
    };
    limits: {
      turn: Omit<LimitsConfig["turn"], "timeMs"> & { time?: number };
      conversation: LimitsConfig["conversation"];
      day: LimitsConfig["day"];
    };
    titles: TitlesConfig["by"];
    title_model?: string;
    storage: {
      driver: StorageConfig["driver"];
      url?: string;
      pool_size: number;
      listen: boolean;
      connect_timeout: string;
      statement_timeout: string;
      retry_timeout: string;
      lease: string;
      shared_schema: boolean;
      path: string;
      durability: "normal" | "full";
      max_age?: string;
      max_conversations?: number;
    };
  };
  serve: JsonObject & { stateless_retention: string };
  logging: { level: LogLevel; modules: LoggingConfig["modules"]; max_length: number; format: LoggingConfig["format"] };
  telemetry: JsonObject & { headers: Record<string, string> };
  mcp: {
    remember_tools: boolean;
    serve: {
      chat: boolean;
      tools: "none" | "all" | string[];
      resources: boolean;
      prompts: boolean;
      plain_names: boolean;
    };
  };
  mcpServers: Record<string, ServerTree>;
}

interface ServerTree {
  type?: "stdio" | "http" | "sse";
  command?: string;
  args: string[];
  env: Record<string, string>;
  cwd?: string;
  url?: string;
  headers: Record<string, string>;
  oauth?: JsonObject & { idp?: JsonObject };
  enabled: boolean;
  required: boolean;
  trusted: boolean;
  timeout: number;
  max_total_timeout: number;
  startup_timeout: number;
  startup_grace: number;
  lazy: boolean;
  ping_interval: number;
  max_message_mb: number;
  protocol: ConfiguredServer["protocol"];
  sampling: ConfiguredServer["sampling"];
  roots: string[];
  tools: { allow: string[]; deny: string[]; auto_approve: string[]; timeouts: Record<string, number> };
}

/** Facts about the configuration that the tree does not contain. */
interface BesideTree {
  privateVariables: readonly string[];
  foldersOf(server: string): StdioServerConfig["folders"];
  placeholderValuesOf(server: string): readonly string[];
}

/**
 * Builds the configuration from a tree that has passed the schema. This is the only place where keys change from snake_case to camelCase,
 * and numbers from seconds to milliseconds.
 */
export function buildConfig(tree: JsonObject, beside: BesideTree): Config {
  const { llm, chat, serve, logging, telemetry, mcp, mcpServers } = tree as unknown as ConfigTree;
  const urls = Object.values(mcpServers).map(({ url }) => url);
  const { service, limits, storage } = chat;
  const { time: timeMs, ...turn } = limits.turn;
  const { tool_notifications: notifications } = service;
  return {
    llm: {
      active: llm.active,
      fallback: llm.fallback,
      streamRecovery: llm.stream_recovery,
      http: camelCase(llm.http) as unknown as HttpConfig,
      prices: mapValues(llm.prices, (price) => camelCase(price) as unknown as PriceConfig),
      providers: mapValues(
        llm.providers,
        ({ quirks, ...provider }): ProviderConfig => ({
          ...camelCase(provider),
          ...(quirks ? { quirks: camelCase(quirks as JsonObject) } : {}),
        }),
      ),
    },
    chat: {
      service: {
        systemPrompt: service.system_prompt,
        streaming: service.streaming.enabled,
        maxToolHops: service.max_tool_hops,
        maxTurns: service.max_turns,
        toolNotifications: typeof notifications === "boolean" ? notifications : notifications.enabled,
        drainTimeoutMs: service.drain_timeout * 1000,
        approval: service.approval,
        changedTools: service.changed_tools,
        compaction: service.compaction,
        toolBudgetTokens: service.tool_budget_tokens,
        resultLimitTokens: service.result_limit_tokens,
        permissions: service.permissions,
      },
      limits: { ...limits, turn: { ...turn, ...(timeMs === undefined ? {} : { timeMs }) } },
      titles: { by: chat.titles, ...(chat.title_model !== undefined && { model: chat.title_model }) },
      storage: buildStorage(storage),
    },
    serve: buildServe(serve),
    logging: camelCase(logging) as unknown as LoggingConfig,
    telemetry: camelCase(telemetry) as unknown as TelemetryConfig,
    mcpServe: buildMcpServe(mcp.serve),
    privateVariables: beside.privateVariables,
    remembersTools: mcp.remember_tools,
    mcpServers: Object.entries(mcpServers).map(([name, server]) =>
      buildServer(name, server, beside, urls.indexOf(server.url) !== urls.lastIndexOf(server.url)),
    ),
  };
}

function buildStorage({ driver, path, durability, url, ...rest }: ConfigTree["chat"]["storage"]): StorageConfig {
  const { max_age: maxAge, max_conversations: maxConversations } = rest;
  const maxAgeMs = maxAge === undefined ? undefined : parseDuration(maxAge);
  const retention = { ...(maxAgeMs !== undefined && { maxAgeMs }), ...(maxConversations && { maxConversations }) };
  if (driver === "memory") return { driver, ...retention };
  if (url === undefined) return { driver: "sqlite", path, durability, ...retention };
  return {
    driver: "postgres",
    url,
    poolSize: rest.pool_size,
    listen: rest.listen,
    connectTimeoutMs: parseDuration(rest.connect_timeout),
    statementTimeoutMs: parseDuration(rest.statement_timeout),
    retryTimeoutMs: parseDuration(rest.retry_timeout),
    leaseMs: parseDuration(rest.lease),
    sharedSchema: rest.shared_schema,
    ...retention,
  };
}

function buildServe({ stateless_retention: retention, ...rest }: ConfigTree["serve"]): ServeConfig {
  const statelessRetentionMs = parseDuration(retention); // "never" is not a duration
  return {
    ...(camelCase(rest) as unknown as ServeConfig),
    ...(statelessRetentionMs !== undefined && { statelessRetentionMs }),
  };
}

function buildMcpServe({ tools, plain_names: plainNames, ...rest }: ConfigTree["mcp"]["serve"]): McpServeConfig {
  return { ...rest, plainNames, tools: tools === "none" ? [] : tools === "all" ? ["*"] : tools };
}

function buildServer(name: string, server: ServerTree, beside: BesideTree, isUrlShared: boolean): ConfiguredServer {
  const placeholderValues = beside.placeholderValuesOf(name);
  const common = {
    name,
    ...(placeholderValues.length > 0 && { placeholderValues }),
    enabled: server.enabled,
    required: server.required,
    trusted: server.trusted,
    timeoutMs: server.timeout,
    maxTotalTimeoutMs: server.max_total_timeout,
    startupTimeoutMs: server.startup_timeout,
    startupGraceMs: server.startup_grace,
    lazy: server.lazy,
    pingIntervalMs: server.ping_interval,
    protocol: server.protocol,
    sampling: server.sampling,
    roots: server.roots,
    tools: {
      allow: server.tools.allow,
      deny: server.tools.deny,
      autoApprove: server.tools.auto_approve,
      timeoutsMs: server.tools.timeouts,
    },
  };
  if (server.url) {
    const transport = server.type === "http" || server.type === "sse" ? server.type : "auto";
    const { url, headers, oauth } = server;
    return { ...common, transport, url, headers, oauth: buildOAuth(oauth), ...(isUrlShared && { sharesUrl: true }) };
  }
  const { command = "", args, env, cwd } = server;
  const folders = cwd === undefined ? beside.foldersOf(name) : undefined;
  const start = { command, args, env, cwd, ...(folders && { folders }) };
  return { ...common, transport: "stdio", ...start, maxMessageMb: server.max_message_mb };
}

function buildOAuth(oauth: ServerTree["oauth"]): OAuthConfig | undefined {
  if (!oauth) return undefined;
  const { idp, ...rest } = oauth;
  return { ...camelCase(rest), ...(idp && { idp: camelCase(idp) }) } as unknown as OAuthConfig;
}

/** Pattern of the keys under `llm` whose values are times in seconds. */
const time = /(timeout|delay|expiry|_after)$/;

function camelCase(tree: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => {
      const name = key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      return time.test(key) ? [`${name}Ms`, Math.round(Number(value) * 1000)] : [name, value];
    }),
  );
}

function mapValues<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

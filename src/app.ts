import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Approvals } from "./config/approvals.js";
import { type ConfigObject, type LoadedConfig, loadConfig } from "./config/load.js";
import { configuredSecrets } from "./config/secrets.js";
import type { Config, LlmConfig, ServerConfig, StorageConfig } from "./core/config.js";
import { messageOf } from "./core/errors.js";
import { newId } from "./core/ids.js";
import type { Observe, SessionHub } from "./core/ports.js";
import type { LogNode } from "./core/store-ports.js";
import type { Tape } from "./core/tape.js";
import { demoServer } from "./demo/servers.js";
import { openStore } from "./history/open.js";
import { chooseProvider } from "./llm/choose-provider.js";
import { LlmClient } from "./llm/client.js";
import { fromLevel, jsonLog } from "./logging.js";
import type { Logins } from "./mcp/auth/logins.js";
import { McpHub } from "./mcp/hub.js";
import type { Sample } from "./mcp/sampling.js";
import { Orchestrator } from "./orchestrator/orchestrator.js";
import { Conversations } from "./session/conversations.js";
import { defaultLeaseMs } from "./session/engine.js";
import { isGone, thisMachine } from "./session/node.js";
import { type Nodes, nodesOf } from "./session/nodes.js";
import { bringToSchema, openLog } from "./session/open-log.js";
import type { Session } from "./session/session.js";
import { Sessions } from "./session/sessions.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

export interface AppOptions {
  /** Path of a config file, an object of the same shape, or what `loadConfig` made of either. Default: all defaults. */
  config?: string | ConfigObject | LoadedConfig;
  /** What outranks environment and file, in the shape of the file. */
  overrides?: ConfigObject;
  /** Where keys and `${VAR}` come from. Default: the process's environment. */
  env?: Environment;
  /** Gets the observations from `logging.level` upwards. Default: log lines on stderr. */
  observe?: Observe;
  /** Stands between the host and its wires: records them, or answers in their place. Default: none. */
  tape?: Tape;
  /** Whether unfinished turns of dead hosts go on by themselves, from the start. Default: yes. */
  recover?: boolean;
  /** Unfinished turns of dead hosts are gone on with by hosts of the same workspace. Default: the working directory; for all hosts of a database, one. */
  workspace?: string;
  /** Whether answers about tools that were kept for good count here, and new ones are kept. Default: yes. */
  keepsApprovals?: boolean;
}

/** A running host. */
export interface App extends AsyncDisposable {
  config: Config;
  orchestrator: Orchestrator;
  hub: McpHub;
  sessions: Sessions;
  /** What a person should know before the first prompt. */
  notices: readonly string[];
  /** The provider and model that a request naming `model` would use. Throws LlmError when there is none. */
  resolveModel(model?: string): { provider: string; model: string };
  /** Goes over to these servers, without touching a running turn; see `McpHub.apply`. */
  applyServers(servers: readonly ServerConfig[]): void;
  /**
   * The hub with more servers, in the shape of `mcpServers` but taken literally, for one session: it tells that session how they are.
   * Throws ConfigError.
   */
  extendHub(mcpServers: ConfigObject, session: Session): SessionHub;
  /** The models that can be used as they are configured, as `provider/model`, the default one first. */
  models(): string[];
  /** Resolves when every enabled server is ready or has failed. */
  ready(): Promise<void>;
  /** Cancels running turns, lets them write their end, and ends every server. */
  close(): Promise<void>;
  /** As `close`, but running turns have this long to end, and go on at the next start when they have not. */
  drain(withinMs: number): Promise<void>;
}

/** Builds the host and starts its servers; waits for none of them. Throws ConfigError, StoreError. */
export async function createApp(options: AppOptions = {}): Promise<App> {
  const { env = process.env, overrides, tape } = options;
  const { config } = isLoaded(options.config) ? options.config : loadConfig(options.config ?? {}, { env, overrides });
  const log = options.observe ?? jsonLog((line) => process.stderr.write(line), Date.now);
  const observe = fromLevel(config.logging.level, log);

  const closers: (() => unknown)[] = [];
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= inReverse(closers);
    return closing;
  };
  const closedAtEnd = <T extends { close(): unknown }>(part: T): T => {
    closers.push(() => part.close());
    return part;
  };

  try {
    const { storage } = config.chat;
    const { store, shared } = await openLog(storage, { now: Date.now, observe, newId });
    closedAtEnd(store);
    tape?.conceal(configuredSecrets(config, env));
    const { llm, demo } = await withFirstRun(config, env, tape);
    const withDemo = (servers: readonly ServerConfig[]) =>
      demo && !servers.some(({ name }) => name === "demo") ? [...servers, demoServer()] : servers;
    if (demo) closedAtEnd(demo);
    const leaseMs = leaseOf(storage);
    const machine = thisMachine();
    const node = { nodeId: newId("node"), machine, pid: process.pid, version };
    // What a tape answers is not asked of a provider.
    const limits = tape?.plays.models ? undefined : store.limits?.(node, { leaseMs, observe });
    if (limits) closedAtEnd(limits);
    const client = closedAtEnd(new LlmClient(llm, { env, observe, tape, limits }));
    const sample: Sample = (request, signal) => orchestrator.callOpenAIApi(request, { signal });
    const hub = closedAtEnd(
      new McpHub(withDemo(config.mcpServers), {
        observe,
        auth: { folder: stateFolder(env, "auth") },
        tape,
        // A tape holds what servers said in its own session, not in those before.
        manifestFolder: tape ? undefined : manifestFolder(env),
        pinFolder: tape?.plays.servers ? undefined : stateFolder(env, "pins"),
        sample,
        onStatus: (status) => sessions.serverChanged(status),
      }),
    );
    const orchestrator = new Orchestrator({ llm: client, hub, newId });
    const { toolNotifications: _, drainTimeoutMs: __, ...service } = config.chat.service;
    const defaults = { ...service, limits: config.chat.limits };
    const approvals = (options.keepsApprovals ?? true) ? openApprovals(env, observe) : undefined;
    const engine = {
      node,
      // Hosts that share a database are alike: each goes on with what another one has begun.
      workspace: options.workspace ?? (shared ? "shared" : process.cwd()),
      isGone: (node: LogNode) => isGone(node, machine),
      observe,
      leaseMs,
      dispatch: shared?.dispatch,
    };
    const sessions = closedAtEnd(
      new Sessions({ store, engine, hub, orchestrator, newId, defaults, approvals, retention: storage, now: Date.now }),
    );
    hub.start();
    const resolveModel = (model?: string) => {
      const resolved = client.resolve(model);
      return { provider: resolved.provider.name, model: resolved.model };
    };
    const models = () => usableModels(client, llm);
    const extendHub = (mcpServers: ConfigObject, session: Session) => {
      const { config: extended } = loadConfig({ mcpServers: literally(mcpServers) as ConfigObject }, { env: {} });
      tape?.conceal(configuredSecrets(extended, {}));
      return hub.extend(extended.mcpServers, ({ name: server, state, reason }) =>
        session.tell({ type: "server_status", server, state, reason }),
      );
    };
    const notices = demo ? [demoNotice] : [];
    const drain = async (withinMs: number) => {
      if (!closing) await sessions.drain(withinMs);
      await close();
    };
    if (options.recover ?? true) {
      void sessions.recover().catch(reportedTo(observe));
      sessions.startRetention();
    }
    const parts = { config, orchestrator, hub, sessions, notices, resolveModel, models, extendHub };
    return {
      ...parts,
      applyServers: (servers) => hub.apply(withDemo(servers)),
      ready: () => hub.ready(),
      close,
      drain,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Of each provider that can be used, the model it is configured with. */
function usableModels(client: LlmClient, { active, providers }: LlmConfig): string[] {
  const names = [...new Set([...(active ? [active] : []), ...Object.keys(providers)])];
  return names.flatMap((name) => {
    try {
      return [`${name}/${client.resolve(`${name}/`).model}`];
    } catch {
      return []; // without a key or a model it is no choice
    }
  });
}

/** The configuration language would expand `${…}` in a text that is not from a file of the user. */
function literally(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("${", () => "$${");
  if (Array.isArray(value)) return value.map(literally);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, literally(inner)]));
}

function reportedTo(observe: Observe): (error: unknown) => void {
  return (error) => observe({ level: "warn", scope: "app", message: messageOf(error) });
}

/** What the user has answered about tools, for a project or for good. */
export function openApprovals(env: Environment, observe: Observe): Approvals {
  return new Approvals(stateFolder(env, "approvals"), { observe, now: Date.now });
}

/** Logins at the remote ones of these servers; `showPage` brings a login page before the person. */
export async function createLogins(
  servers: readonly ServerConfig[],
  env: Environment,
  showPage: (page: URL) => void,
): Promise<Logins> {
  const { Logins } = await import("./mcp/auth/logins.js");
  return new Logins(servers, { folder: stateFolder(env, "auth"), showPage });
}

/** The conversations in the log, without a host around them; and the secrets that no export of them may hold. Throws StoreError. */
export async function openConversations(
  config: Config,
  env: Environment,
): Promise<{ conversations: Conversations; secrets: readonly string[] }> {
  const { store, isLost } = await readableLog(config);
  const conversations = new Conversations({ store, isGone: isLost, newId });
  return { conversations, secrets: configuredSecrets(config, env) };
}

/** The processes on the log, without one of them around it. Throws StoreError. */
export async function readNodes(config: Config): Promise<Nodes> {
  const { store, isLost } = await readableLog(config);
  try {
    return await nodesOf(store, isLost, leaseOf(config.chat.storage));
  } finally {
    await store.close();
  }
}

/** How long a host that is not heard of counts as alive. */
function leaseOf(storage: StorageConfig): number {
  return (storage.driver === "postgres" ? storage.leaseMs : undefined) ?? defaultLeaseMs;
}

async function readableLog(config: Config) {
  const observe = observerOf(config);
  const store = await openStore(config.chat.storage, { now: Date.now, observe });
  const machine = thisMachine();
  return { store, isLost: (node: LogNode) => isGone(node, machine) };
}

/** Brings the event log to this version's schema, and says where it is. Throws StoreError. */
export function migrateLog(config: Config): Promise<{ place: string; version: number }> {
  return bringToSchema(config.chat.storage, { now: Date.now, observe: observerOf(config) });
}

function observerOf({ logging }: Config): Observe {
  return fromLevel(
    logging.level,
    jsonLog((line) => process.stderr.write(line), Date.now),
  );
}

/** Where this host keeps what is neither configuration nor log. */
export function stateFolder(env: Environment, name: string): string {
  const home = env.HOME || homedir();
  return join(env.XDG_STATE_HOME || join(home, ".local", "state"), "mcp-platform", name);
}

/** Where what servers offered the last time is kept. */
export function manifestFolder(env: Environment): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "mcp-platform", "manifests");
}

const demoNotice =
  "This is the demo model: it follows a few rules. For a real one set OPENAI_API_KEY (or another provider's key), or llm.active in config.yaml.";

async function inReverse(closers: readonly (() => unknown)[]): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

interface FirstRun {
  llm: LlmConfig;
  demo?: { close(): Promise<void> };
}

/** Whoever configured nothing gets the demo model, and the demo server with it. */
async function withFirstRun(config: Config, env: Environment, tape: Tape | undefined): Promise<FirstRun> {
  const choose = () => chooseProvider(config.llm, env);
  const { provider, model } = await (tape && !config.llm.active ? tape.choose(choose) : choose());
  const providers = { ...config.llm.providers };
  if (model) providers[provider] = { ...providers[provider], model };
  const isPlayed = tape?.plays.models === true;
  const http = isPlayed ? { ...config.llm.http, initialRetryDelayMs: 0, maxRetryDelayMs: 0 } : config.llm.http;
  const llm = { ...config.llm, active: provider, providers, http };
  if (provider !== "demo" || providers.demo?.baseUrl) return { llm };
  if (isPlayed) return { llm, demo: { async close() {} } };

  const { startDemoModel } = await import("./demo/model.js");
  const demo = await startDemoModel();
  providers.demo = { ...providers.demo, baseUrl: demo.baseUrl };
  return { llm, demo };
}

function isLoaded(config: AppOptions["config"]): config is LoadedConfig {
  return typeof config === "object" && typeof config.originOf === "function";
}

import { readFileSync } from "node:fs";
import { literally } from "../config/reading/interpolate.js";
import { type ConfigObject, isLoaded, type LoadedConfig, loadConfig } from "../config/reading/load.js";
import { configuredSecrets } from "../config/reading/secrets.js";
import type { Config } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { messageOf } from "../core/errors.js";
import { stateFolder } from "../core/files/state-folder.js";
import { thisMachine } from "../core/files/this-machine.js";
import { newId } from "../core/ids.js";
import type { HostState } from "../core/measurements.js";
import type { ChoosableModels, FoundModel } from "../core/messages.js";
import type { Observe, ProgramTool, SessionHub } from "../core/ports.js";
import { LlmClient } from "../llm/client.js";
import type { Sample } from "../mcp/callbacks/sampling.js";
import { McpHub } from "../mcp/hub.js";
import { ServerLogs } from "../mcp/server/server-logs.js";
import { retentionRules } from "../session/conversations/retention.js";
import type { Session } from "../session/session.js";
import { Sessions } from "../session/sessions.js";
import type { TelemetryParts } from "../telemetry/open-receivers.js";
import { Orchestrator } from "../turn/orchestrator.js";
import { FirstRun } from "./first-run.js";
import { leaseOf } from "./log-only.js";
import { fromLevel } from "./logging.js";
import { openLog } from "./open-log.js";
import { withProgramTools } from "./program-server.js";
import { RunningConfig, wantsCollector } from "./running-config.js";
import { stderrLog } from "./stderr-log.js";
import type { Tape } from "./tape.js";
import { manifestFiles, openApprovals, refusalsIn } from "./user-state.js";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

export interface AppOptions {
  /**
   * Path of a config file, an object of the same shape, or the result of `loadConfig`. If `config` is not set, every setting has its
   * default.
   */
  config?: string | ConfigObject | LoadedConfig;
  /** Settings that take precedence over the environment and the file. They have the same shape as the file. */
  overrides?: ConfigObject;
  /** Functions of this program that the model may call, made by `tool`. They are tools of the server `app`. Default: none. */
  tools?: readonly ProgramTool[];
  /** Environment variables, read for keys and for `${VAR}` in the configuration. Default: those of this process. */
  env?: Environment;
  /** Receives the host's log events of level `logging.level` or higher. Default: they are written as log lines to stderr. */
  observe?: Observe;
  /** Records the requests and answers of models and servers, or plays recorded answers instead of sending requests. Default: no tape. */
  tape?: Tape;
  /** True to resume the unfinished turns of crashed hosts as soon as this host starts, without waiting for a request. Default: true. */
  recover?: boolean;
  /**
   * Name of the workspace. Hosts with the same workspace resume each other's unfinished turns. Default: hosts that use a shared database
   * all have the same workspace; any other host uses its working directory.
   */
  workspace?: string;
  /**
   * True to apply stored approvals and refusals of tools, and to store new ones for later sessions. `refusals`: stored refusals apply,
   * stored approvals do not, and nothing is stored. Default: true.
   */
  keepsApprovals?: boolean | "refusals";
  /**
   * Time in ms after which an unanswered question of a turn (an approval, a limit, a form) counts as answered with no; see
   * `session.answer`. Default: 5 minutes. With Infinity a question waits forever.
   */
  questionTimeoutMs?: number;
  /** True to collect the metrics that `App.scrape` returns. Default: false. */
  scraped?: boolean;
}

export interface App extends AsyncDisposable {
  /** Current configuration of the host. */
  readonly config: Config;
  /** Sends requests with the current configuration. After each `apply` it is another one. */
  readonly orchestrator: Orchestrator;
  hub: McpHub;
  sessions: Sessions;
  /** Notices to show to a person before the first prompt. */
  notices: readonly string[];
  /** Returns the provider and model for a request with this `model`. Throws LlmError if no provider matches. */
  resolveModel(model?: string): FoundModel;
  /**
   * Switches to this configuration. Changes of servers apply at once (see `McpHub.apply`), all other changes from the next turn on. Running
   * turns keep their configuration. The location of the event log and the settings of the front doors do not change.
   */
  apply(config: Config): Promise<void>;
  /**
   * Returns a hub that has the servers of the app and further servers for one session. The session is notified of the states of the further
   * servers. `mcpServers` has the same shape as in the configuration, but `${VAR}` is not replaced. Throws ConfigError.
   */
  extendHub(mcpServers: ConfigObject, session: Session): SessionHub;
  /** Returns the names of the usable configured models, as `provider/model`. The default model comes first. */
  models(): string[];
  /** Resolves with the models that a person can choose: the configured ones, and those that their providers list. Asks each provider once. */
  choosableModels(): Promise<ChoosableModels>;
  /** Waits until every enabled server is ready or has failed. */
  ready(): Promise<void>;
  /** Returns the metrics in the text format of Prometheus. Undefined unless `scraped` was set. */
  scrape?: () => Promise<{ contentType: string; text: string }>;
  /** Cancels running turns, stores their ends, and stops every server. */
  close(): Promise<void>;
  /**
   * Closes the host like `close`, but first gives running turns this many ms to end. The next start resumes the turns that have not ended.
   */
  drain(withinMs: number): Promise<void>;
}

/** Default of `questionTimeoutMs`. It is finite because many hosts, such as those that use the library, have no person to answer. */
const unansweredMs = 5 * 60 * 1000;

/** Builds the host and starts its servers without waiting for them. Throws ConfigError, RequestError, StoreError. */
export async function createApp(options: AppOptions = {}): Promise<App> {
  const { env = process.env, overrides, tools = [], tape, questionTimeoutMs = unansweredMs } = options;
  const reading = { env, overrides, allowsUnset: tape?.playsModels };
  const loaded = isLoaded(options.config) ? options.config : loadConfig(options.config ?? {}, reading);
  const { config } = loaded;
  const running = new RunningConfig(config, env);
  const observe = options.observe
    ? fromLevel(() => running.config.logging, options.observe)
    : stderrLog(() => running.config, env);

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
    const state = (): HostState => ({
      turns: sessions.load,
      servers: hub.servers(),
      ...client.state(),
    });
    const { scraped = false } = options;
    const { clear } = running;
    const telemetry = await listen(config, { env, observe, clear, scraped, state });
    if (telemetry) closedAtEnd(telemetry);
    const meter = telemetry?.meter;
    const { storage } = config.chat;
    const { store, join } = await openLog(storage, { now: Date.now, observe, newId });
    closedAtEnd(store);
    tape?.conceal(configuredSecrets(config, env));
    const firstRun = closedAtEnd(new FirstRun(env, tape));
    const llm = await firstRun.llmOf(config);
    const serversOf = (some: Config) => withProgramTools(firstRun.serversOf(some), tools);
    const leaseMs = leaseOf(storage);
    const machine = thisMachine();
    const node = { nodeId: newId("node"), machine, pid: process.pid, version };
    let client = new LlmClient(llm, {
      env,
      observe,
      transport: tape,
      meter,
      onAnswered: () => hub.scheduleBackgroundStarts(),
    });
    closedAtEnd({ close: () => client.close() });
    const sample: Sample = (request, signal) => orchestrator.callOpenAIApi(request, { signal });
    const logs = closedAtEnd(new ServerLogs(stateFolder(env, "server-logs"), { observe, now: Date.now, clear }));
    const hub = closedAtEnd(
      new McpHub(serversOf(config), {
        observe,
        auth: { folder: stateFolder(env, "auth") },
        transport: tape,
        meter,
        // A tape holds the lists that servers sent in the recorded session. Lists remembered from other sessions could differ, so they are
        // not used.
        manifests: tape ? undefined : manifestFiles(env),
        remembers: () => running.config.remembersTools,
        pinFolder: tape?.isInstant ? undefined : stateFolder(env, "pins"),
        logs: tape?.isInstant ? undefined : logs,
        sample,
        onStatus: (status) => sessions.serverChanged(status),
      }),
    );
    let orchestrator = new Orchestrator({ llm: client, hub, newId });
    const settings = () => {
      const { service, limits, titles } = running.config.chat;
      const isAsked = titles.model !== undefined || !firstRun.isDemo; // the demo model can make no titles
      return { llm: client, defaults: { limits, ...service, ...(isAsked && { titles }) } };
    };
    const { keepsApprovals = true } = options;
    const stored = keepsApprovals ? openApprovals(env, observe) : undefined;
    const approvals = keepsApprovals === "refusals" && stored ? refusalsIn(stored) : stored;
    const sessions = closedAtEnd(
      new Sessions({
        ...{ store, hub, settings, newId, meter, approvals, questionTimeoutMs, observe },
        project: options.workspace ?? process.cwd(),
        join: (local) => join({ node, workspace: options.workspace, leaseMs }, local),
        retention: retentionRules(running.config),
        maxTurns: () => running.config.chat.service.maxTurns,
        now: Date.now,
      }),
    );
    hub.start();
    const apply = async (next: Config) => {
      tape?.conceal(configuredSecrets(next, env));
      const nextLlm = await firstRun.llmOf(next);
      const servers = serversOf(next);
      client = client.successor(nextLlm);
      orchestrator = new Orchestrator({ llm: client, hub, newId });
      running.change(next);
      sessions.changeRetention(retentionRules(running.config));
      hub.apply(servers);
    };
    const resolveModel = (model?: string) => {
      const { provider, model: named, contextWindow } = client.resolve(model);
      const { name, by } = client.wireOf(model);
      const price = client.priceOf(provider.name, named);
      const facts = { wire: `${name}, chosen by ${by}`, takes: client.takes(model), contextWindow, price };
      return { provider: provider.name, model: named, ...facts };
    };
    const extendHub = (mcpServers: ConfigObject, session: Session) => {
      const { config: extended } = loadConfig({ mcpServers: literally(mcpServers) as ConfigObject }, { env: {} });
      tape?.conceal(configuredSecrets(extended, {}));
      return hub.extend(extended.mcpServers, ({ name: server, state, reason }) =>
        session.tell({ type: "server_status", server, state, reason }),
      );
    };
    const drain = async (withinMs: number) => {
      if (!closing) await sessions.drain(withinMs);
      await close();
    };
    if (options.recover ?? true) {
      void sessions.recover().catch(reportedTo(observe));
      sessions.startUpkeep();
    }
    return {
      get config() {
        return running.config;
      },
      get orchestrator() {
        return orchestrator;
      },
      hub,
      sessions,
      notices: firstRun.notices,
      resolveModel,
      models: () => client.usableModels(),
      choosableModels: () => client.choosableModels(),
      extendHub,
      apply,
      scrape: telemetry?.prometheus?.scrape,
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

function reportedTo(observe: Observe): (error: unknown) => void {
  return (error) => observe({ level: "warn", scope: "app", message: messageOf(error) });
}

/** Loads and opens telemetry. If nothing uses the measurements, loads nothing and returns undefined. */
async function listen(
  { telemetry: config }: Config,
  parts: Pick<TelemetryParts, "env" | "observe" | "clear" | "scraped" | "state">,
) {
  const collector = wantsCollector(config, parts.env);
  if (!collector && !parts.scraped) return undefined;
  const { openTelemetry } = await import("../telemetry/open-receivers.js");
  return openTelemetry({ ...parts, config, collector, version });
}

async function inReverse(closers: readonly (() => unknown)[]): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

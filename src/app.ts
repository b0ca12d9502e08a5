import { readFileSync } from "node:fs";
import { literally } from "./config/interpolate.js";
import { type ConfigObject, type LoadedConfig, loadConfig } from "./config/load.js";
import { configuredSecrets } from "./config/secrets.js";
import type { Config } from "./core/config.js";
import type { Environment } from "./core/environment.js";
import { messageOf } from "./core/errors.js";
import { newId } from "./core/ids.js";
import type { HostState } from "./core/measurements.js";
import type { Observe, SessionHub } from "./core/ports.js";
import { stateFolder } from "./core/state-folder.js";
import type { LogNode } from "./core/store-ports.js";
import type { Tape } from "./core/tape.js";
import { FirstRun } from "./first-run.js";
import { ChangingClient } from "./llm/changing-client.js";
import { LlmClient } from "./llm/client.js";
import { leaseOf } from "./log-only.js";
import { fromLevel } from "./logging.js";
import { McpHub } from "./mcp/hub.js";
import type { Sample } from "./mcp/sampling.js";
import { ServerLogs } from "./mcp/server-logs.js";
import { Orchestrator } from "./orchestrator/orchestrator.js";
import { RunningConfig } from "./running-config.js";
import { isGone, thisMachine } from "./session/node.js";
import { openLog } from "./session/open-log.js";
import { retentionRules } from "./session/retention.js";
import type { Session } from "./session/session.js";
import { Sessions } from "./session/sessions.js";
import { stderrLog } from "./stderr-log.js";
import type { TelemetryParts } from "./telemetry/open.js";
import { wantsCollector } from "./telemetry/wanted.js";
import { manifestPlace, openApprovals } from "./user-state.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

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
  /**
   * A question of a turn (an approval, a limit, a form) that nobody has answered for so long, with `session.answer`, is answered with no.
   * Default: 5 minutes. Infinity: never.
   */
  questionTimeoutMs?: number;
  /** Whether what is measured is kept for `App.scrape`. Default: no. */
  scraped?: boolean;
}

/** A running host. */
export interface App extends AsyncDisposable {
  /** What the host runs by now. */
  readonly config: Config;
  orchestrator: Orchestrator;
  hub: McpHub;
  sessions: Sessions;
  /** What a person should know before the first prompt. */
  notices: readonly string[];
  /** The provider and model that a request naming `model` would use, and for people how it is spoken to and why. Throws LlmError when there is none. */
  resolveModel(model?: string): { provider: string; model: string; wire?: string };
  /**
   * Goes over to this configuration: servers at once (see `McpHub.apply`), all else with the next turn. A turn that runs keeps its own.
   * Where the log is and what the doors are stays as it was; see `config`.
   */
  apply(config: Config): Promise<void>;
  /**
   * The hub with more servers, in the shape of `mcpServers` but taken literally, for one session: it tells that session how they are.
   * Throws ConfigError.
   */
  extendHub(mcpServers: ConfigObject, session: Session): SessionHub;
  /** The models that can be used as they are configured, as `provider/model`, the default one first. */
  models(): string[];
  /** Resolves when every enabled server is ready or has failed. */
  ready(): Promise<void>;
  /** What is measured, in the text format of Prometheus. Undefined: nobody wanted it. */
  scrape?: () => Promise<{ contentType: string; text: string }>;
  /** Cancels running turns, lets them write their end, and ends every server. */
  close(): Promise<void>;
  /** As `close`, but running turns have this long to end, and go on at the next start when they have not. */
  drain(withinMs: number): Promise<void>;
}

/** A library may have nobody who answers. */
const unansweredMs = 5 * 60 * 1000;

/** Builds the host and starts its servers; waits for none of them. Throws ConfigError, StoreError. */
export async function createApp(options: AppOptions = {}): Promise<App> {
  const { env = process.env, overrides, tape, questionTimeoutMs = unansweredMs } = options;
  const reading = { env, overrides, allowsUnset: tape?.plays.models };
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
    const state = async (): Promise<HostState> => ({
      turns: sessions.load,
      servers: hub.servers(),
      ...(await client.state()),
    });
    const { scraped = false } = options;
    const { clear } = running;
    const telemetry = await listen(config, { env, observe, clear, scraped, state });
    if (telemetry) closedAtEnd(telemetry);
    const meter = telemetry?.meter;
    const { storage } = config.chat;
    const { store, shared } = await openLog(storage, { now: Date.now, observe, newId });
    closedAtEnd(store);
    tape?.conceal(configuredSecrets(config, env));
    const firstRun = closedAtEnd(new FirstRun(env, tape));
    const llm = await firstRun.llmOf(config);
    const leaseMs = leaseOf(storage);
    const machine = thisMachine();
    const node = { nodeId: newId("node"), machine, pid: process.pid, version };
    // What a tape answers is not asked of a provider.
    const limits = tape?.plays.models ? undefined : store.limits?.(node, { leaseMs, observe });
    if (limits) closedAtEnd(limits);
    const client = closedAtEnd(
      new ChangingClient(
        new LlmClient(llm, { env, observe, tape, limits, meter, onSent: () => hub.startRemembered() }),
      ),
    );
    const sample: Sample = (request, signal) => orchestrator.callOpenAIApi(request, { signal });
    const logs = closedAtEnd(new ServerLogs(stateFolder(env, "server-logs"), { observe, now: Date.now, clear }));
    const hub = closedAtEnd(
      new McpHub(firstRun.serversOf(config), {
        observe,
        auth: { folder: stateFolder(env, "auth") },
        tape,
        meter,
        // A tape holds what servers said in its own session, not in those before.
        manifests: tape ? undefined : manifestPlace(env),
        remembers: () => running.config.remembersTools,
        pinFolder: tape?.plays.servers ? undefined : stateFolder(env, "pins"),
        logs,
        sample,
        onStatus: (status) => sessions.serverChanged(status),
      }),
    );
    const orchestrator = new Orchestrator({ llm: client, hub, newId });
    const settings = () => {
      const pinned = client.pin();
      const { service, limits } = running.config.chat;
      return {
        orchestrator: new Orchestrator({ llm: pinned.llm, hub, newId }),
        defaults: { limits, ...service },
        [Symbol.dispose]: () => pinned[Symbol.dispose](),
      };
    };
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
      new Sessions({
        ...{ store, engine, hub, settings, newId, meter, approvals, questionTimeoutMs },
        retention: retentionRules(running.config.chat),
        now: Date.now,
      }),
    );
    hub.start();
    const apply = async (next: Config) => {
      tape?.conceal(configuredSecrets(next, env));
      client.change(await firstRun.llmOf(next));
      running.change(next);
      sessions.changeRetention(retentionRules(running.config.chat));
      hub.apply(firstRun.serversOf(running.config));
    };
    const resolveModel = (model?: string) => {
      const resolved = client.resolve(model);
      const { name, by } = client.wireOf(model);
      return { provider: resolved.provider.name, model: resolved.model, wire: `${name}, chosen by ${by}` };
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
      sessions.startRetention();
    }
    return {
      get config() {
        return running.config;
      },
      orchestrator,
      hub,
      sessions,
      notices: firstRun.notices,
      resolveModel,
      models: () => client.usableModels(),
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

/** Whoever listens to what the layers measure; undefined when nobody does, and then nothing of it is loaded. */
async function listen(
  { telemetry: config }: Config,
  parts: Pick<TelemetryParts, "env" | "observe" | "clear" | "scraped" | "state">,
) {
  const collector = wantsCollector(config, parts.env);
  if (!collector && !parts.scraped) return undefined;
  const { openTelemetry } = await import("./telemetry/open.js");
  return openTelemetry({ ...parts, config, collector, version });
}

async function inReverse(closers: readonly (() => unknown)[]): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

function isLoaded(config: AppOptions["config"]): config is LoadedConfig {
  return typeof config === "object" && typeof config.originOf === "function";
}

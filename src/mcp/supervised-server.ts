/** One entry of `mcpServers`: its state, what it offers, and the connection to it. */
import type { ContentPart } from "../core/chat.js";
import type { ServerConfig } from "../core/config.js";
import { McpError } from "../core/errors.js";
import type { Meter } from "../core/measurements.js";
import type { Observe, ServerNews, ServerStatus } from "../core/ports.js";
import type { Tape } from "../core/tape.js";
import type { AuthOptions } from "./auth/authorization.js";
import { Callbacks } from "./callbacks.js";
import { Condition } from "./condition.js";
import type { McpConnection } from "./connection.js";
import { KeptConnection } from "./kept-connection.js";
import { LateStart } from "./late-start.js";
import { LinkedResources } from "./linked-resources.js";
import { ListRefresh } from "./list-refresh.js";
import { Manifest, type ManifestPlace } from "./manifest.js";
import { Offer } from "./offer.js";
import { Pins } from "./pins.js";
import { RunningCalls } from "./running-calls.js";
import type { Sample } from "./sampling.js";
import { emptyLists, type ServerLists } from "./server-lists.js";
import type { ServerLogs } from "./server-logs.js";
import { isOffered } from "./tools.js";
import { abortable } from "./wait.js";
import { WatchedResources } from "./watched-resources.js";

export interface ServerEvents {
  observe: Observe;
  statusChanged(status: ServerStatus): void;
  listsChanged(): void;
  /** What the server says that others may want to hear. */
  told(news: ServerNews): void;
}

/** What servers need of the host beside that. */
export interface HostSide {
  /** Without it, a remote server has only the headers of its configuration. */
  auth?: AuthOptions;
  /** The model, for servers that ask it something. Without it, they are told that there is none. */
  sample?: Sample;
  /** Stands before the servers, or in their place. */
  tape?: Tape;
  meter?: Meter | undefined;
  /** Where manifests are kept. Without it, nothing is known of a server before it has started. */
  manifests?: ManifestPlace | undefined;
  /** Whether servers that are not lazy live on their manifests too, until they are ready. */
  remembers?: () => boolean;
  /** Where the definitions are kept that the user goes by. Without it, a change of a tool is noticed within this run only. */
  pinFolder?: string;
  /** What servers say beside their answers goes there. */
  logs?: ServerLogs;
}

export class SupervisedServer {
  readonly config: ServerConfig;
  readonly condition: Condition;
  readonly offer: Offer;
  readonly linked: LinkedResources;
  readonly meter: Meter | undefined;
  readonly calls = new RunningCalls();
  readonly refresh: ListRefresh;
  readonly #kept: KeptConnection;
  readonly #watched: WatchedResources;
  readonly #statusChanged: () => void;
  #counted = { lists: emptyLists, offered: 0 };
  /** There is no server, but its tape: what takes a server time does not take time. */
  readonly #isPlayed: boolean;
  readonly #remembers: () => boolean;
  readonly #late: LateStart;

  constructor(config: ServerConfig, events: ServerEvents, host: HostSide) {
    this.config = config;
    this.meter = host.meter;
    this.#isPlayed = host.tape?.plays.servers === true;
    this.#statusChanged = () => events.statusChanged(this.status);
    const log = this.#isPlayed ? undefined : host.logs?.of(config);
    const condition = new Condition(config, {
      observe: events.observe,
      changed: () => {
        log?.line("host", condition.sentence);
        this.#statusChanged();
      },
    });
    this.condition = condition;
    const noticed = (text: string) => condition.notice(text);
    const manifest = host.manifests && new Manifest(host.manifests, config);
    this.#remembers = () => config.lazy || host.remembers?.() === true;
    this.offer = new Offer({
      server: config.name,
      condition,
      manifest,
      pins: new Pins(host.pinFolder, config),
      changed: () => events.listsChanged(),
    });
    this.linked = new LinkedResources(() => events.listsChanged());
    this.#watched = new WatchedResources(noticed);
    this.#kept = new KeptConnection(config, {
      condition,
      auth: host.auth,
      tape: host.tape,
      said: log && ((text) => log.stderr(text)),
      meter: host.meter,
      callbacks: new Callbacks(config, { sample: host.sample, noticed }),
      events: {
        listsChanged: () => this.refresh.changed(),
        noticed,
        resourceChanged: (uri) => {
          condition.logged("info", `the resource ${uri} has changed`);
          events.told({ type: "resource", server: config.name, uri });
        },
        logged: (level, text) => {
          log?.line(level, text);
          events.told({ type: "log", server: config.name, level, text: condition.logged(level, text) });
        },
      },
      isBusy: () => this.calls.any,
      connected: (connection, lists) => this.#connected(connection, lists),
      // Not for a loss that a restart mends: the list, and the prompt cache, should not change for a moment.
      failed: () => this.offer.withdraw(),
    });
    this.#late = new LateStart({ isLazy: config.lazy, condition, kept: this.#kept });
    this.refresh = new ListRefresh({ offer: this.offer, condition, kept: this.#kept, isPlayed: this.#isPlayed });
  }

  /** Tells its state once, whatever it is. */
  start(): void {
    const { enabled, refusal } = this.config;
    const isWanted = enabled && !refusal;
    if (isWanted && this.#remembers() && this.offer.recall()) this.#late.putOff();
    else if (isWanted) void this.#kept.start();
    if (this.condition.state !== "ready") this.#statusChanged(); // else that was told
  }

  /** The processor is free for a server that lives on what it offered the last time, unless it is to sleep until its first use. */
  startRemembered(): void {
    this.#late.hurry();
  }

  /** Before any use: what to wait for with a server that lives on what it offered the last time. Rejects with the signal's reason only. */
  awake(signal?: AbortSignal): Promise<void> | undefined {
    const starting = this.#late.used();
    const waking = this.#isPlayed ? this.#kept.started() : starting;
    return waking && abortable(waking, signal);
  }

  get lists(): ServerLists {
    return this.offer.lists;
  }

  get status(): ServerStatus {
    const { name, transport } = this.config;
    const { prompts, resources } = this.lists;
    const { current, startMs, latencyMs } = this.#kept;
    return {
      name,
      state: this.condition.state,
      transport,
      tools: this.#offered,
      prompts: prompts.length,
      resources: resources.length,
      startMs,
      latencyMs,
      version: current?.serverVersion,
      era: current?.era,
      reason: this.condition.reason,
    };
  }

  /** How many tools are for the model. The state of servers is asked for at every call. */
  get #offered(): number {
    const { lists } = this;
    if (this.#counted.lists !== lists) {
      this.#counted = { lists, offered: lists.tools.filter((tool) => isOffered(this.config, tool)).length };
    }
    return this.#counted.offered;
  }

  /** The last of what it has written on stderr; "" for a remote one. */
  get stderr(): string {
    return this.#kept.stderr.words;
  }

  get isUsable(): boolean {
    return this.#kept.current !== undefined || this.#late.isPending;
  }

  /** Resolves when the start under way has ended, one way or the other. */
  started(): Promise<void> {
    this.startRemembered();
    return this.#kept.started();
  }

  /** As `settled`, but nobody waits for an optional server of which it is known what it offered the last time. */
  async offered(signal?: AbortSignal): Promise<void> {
    if (this.config.required || !this.offer.isRemembered) await this.settled(signal);
  }

  /** As `started`, but an optional server is waited for only until its grace is used up. Lists that got stale are read again. */
  async settled(signal?: AbortSignal): Promise<void> {
    this.startRemembered();
    await this.refresh.ofStale(signal);
    await this.#kept.settled(signal);
  }

  /** The live connection. Throws McpError when there is none. */
  get connection(): McpConnection {
    this.#kept.closing.throwIfAborted();
    const { current } = this.#kept;
    if (!current) throw new McpError("unavailable", this.condition.sentence, { retryable: true });
    return current;
  }

  /** Throws McpError. What was read once is watched from then on, so that its change is noticed. */
  async readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]> {
    await this.awake(signal);
    const { connection } = this;
    const content = await connection.readResource(uri, signal);
    this.#watched.add(uri, connection);
    return content;
  }

  /** Throws McpError. Its change is noticed from now on. */
  async watchResource(uri: string, signal?: AbortSignal): Promise<void> {
    await this.awake(signal);
    this.#watched.add(uri, this.connection);
  }

  /** As `close`, once the calls that are running have ended. */
  async retire(): Promise<void> {
    await this.calls.rest();
    await this.close("it was taken out of the configuration, or changed there");
  }

  /** Resolves when nothing of the server is left. */
  close(reason = "the host is closing"): Promise<void> {
    return this.#kept.close(reason);
  }

  #connected(connection: McpConnection, lists: ServerLists): void {
    this.offer.take(lists, connection.serverVersion);
    this.#watched.watchAll(connection);
    this.refresh.started();
  }
}

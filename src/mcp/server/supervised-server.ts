/** One entry of `mcpServers`: its state, its lists, and the connection to it. */

import type { ServerConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import type { Meter } from "../../core/measurements.js";
import type { ContentPart } from "../../core/messages.js";
import type { Observe, ServerNews, ServerStatus } from "../../core/ports.js";
import type { ServerTransport } from "../../core/transports.js";
import type { AuthOptions } from "../auth/authorization.js";
import { Callbacks } from "../callbacks/callbacks.js";
import type { Sample } from "../callbacks/sampling.js";
import { Manifest, type ManifestFiles } from "../lists/manifest.js";
import { Pins } from "../lists/pins.js";
import { emptyLists, type ServerLists } from "../lists/server-lists.js";
import { isOffered } from "../lists/tool-facts.js";
import { abortable, atMost, RunningCalls } from "../shared/wait.js";
import { KeptConnection } from "./kept-connection.js";
import { LinkedResources } from "./linked-resources.js";
import { ListRefresh } from "./list-refresh.js";
import type { McpConnection } from "./mcp-connection.js";
import { OfferedLists } from "./offered-lists.js";
import { PostponedStart } from "./postponed-start.js";
import { Condition } from "./server-condition.js";
import type { ServerLogs } from "./server-logs.js";
import { type StartSlots, slotMs } from "./start-slots.js";
import { WatchedResources } from "./watched-resources.js";

export interface ServerEvents {
  observe: Observe;
  statusChanged(status: ServerStatus): void;
  listsChanged(): void;
  onNews(news: ServerNews): void;
}

export interface ServerHostOptions {
  /** Settings for logins. If undefined, requests to a remote server carry only its configured headers. */
  auth?: AuthOptions;
  /** Requests an answer from the model, for servers that use sampling. If undefined, servers are not offered sampling. */
  sample?: Sample;
  /** Carries the requests to the servers. Default: their own connections. */
  transport?: ServerTransport | undefined;
  meter?: Meter | undefined;
  /** Location of the stored lists. If undefined, nothing is known of a server until it has started. */
  manifests?: ManifestFiles | undefined;
  /** Returns true if the stored lists of a server are used until the server is ready, even if the server is not lazy. */
  remembers?: () => boolean;
  /** Folder of the pinned tool definitions. If undefined, pins last only for this run, so a change between runs is not noticed. */
  pinFolder?: string | undefined;
  logs?: ServerLogs | undefined;
}

export class SupervisedServer {
  readonly config: ServerConfig;
  readonly condition: Condition;
  readonly offered: OfferedLists;
  readonly linked: LinkedResources;
  readonly meter: Meter | undefined;
  readonly calls = new RunningCalls();
  readonly refresh: ListRefresh;
  readonly #kept: KeptConnection;
  readonly #watched: WatchedResources;
  readonly #statusChanged: () => void;
  #counted = { lists: emptyLists, tools: 0 };
  readonly #isInstant: boolean;
  readonly #remembers: () => boolean;
  readonly #postponedStart: PostponedStart;

  constructor(config: ServerConfig, events: ServerEvents, host: ServerHostOptions, slots: StartSlots) {
    this.config = config;
    this.meter = host.meter;
    this.#isInstant = host.transport?.isInstant === true;
    this.#statusChanged = () => events.statusChanged(this.status);
    const log = host.logs?.of(config);
    const condition = new Condition(config, {
      observe: events.observe,
      changed: () => {
        // For a server that is only postponed nothing goes to its log file: a file for each of 100 servers takes 100 ms.
        if (!this.#postponedStart.isPostponed) log?.line("host", condition.sentence);
        this.#statusChanged();
      },
    });
    this.condition = condition;
    const noticed = (text: string) => condition.notice(text);
    // Tools of the program are known as soon as the host starts, and their definitions change only when their author changes them.
    const isForeign = config.transport !== "program";
    const manifest = host.manifests && isForeign ? new Manifest(host.manifests, config) : undefined;
    this.#remembers = () => config.lazy || host.remembers?.() === true;
    this.offered = new OfferedLists({
      server: config.name,
      condition,
      manifest,
      pins: new Pins(isForeign ? host.pinFolder : undefined, config),
      changed: () => events.listsChanged(),
    });
    this.linked = new LinkedResources(() => events.listsChanged());
    this.#watched = new WatchedResources({ server: config.name, connection: () => this.#kept.current, noticed });
    this.#kept = new KeptConnection(config, {
      condition,
      auth: host.auth,
      transport: host.transport,
      onStderr: log && ((text) => log.stderr(text)),
      meter: host.meter,
      slots: config.transport === "stdio" ? slots : undefined,
      callbacks: new Callbacks(config, { sample: host.sample, noticed }),
      events: {
        listsChanged: () => this.refresh.scheduleReread(),
        noticed,
        resourceChanged: (uri) => {
          if (!this.#watched.has(uri)) return; // a server may send changes for which the host has not asked
          condition.logged("info", `the resource ${uri} has changed`);
          events.onNews({ type: "resource", server: config.name, uri });
        },
        logged: (level, text) => {
          log?.line(level, text);
          events.onNews({ type: "log", server: config.name, level, text: condition.logged(level, text) });
        },
      },
      isBusy: () => this.calls.any,
      connected: (connection, lists) => this.#connected(connection, lists),
      // Not called if the connection is lost and the server restarts. A restart is short, so the tool list stays as it is: a change would
      // invalidate the provider's prompt cache.
      failed: () => this.offered.withdraw(),
    });
    this.#postponedStart = new PostponedStart({ isLazy: config.lazy, condition, kept: this.#kept });
    this.refresh = new ListRefresh({ offered: this.offered, condition, kept: this.#kept, isInstant: this.#isInstant });
  }

  /** Starts the server, or postpones its start if stored lists can be used, unless it is disabled or refused. Reports its state in any case. */
  start(): void {
    const { enabled, refusal } = this.config;
    const isWanted = enabled && !refusal;
    if (isWanted && this.#remembers() && this.offered.recall()) this.#postponedStart.postpone();
    else if (isWanted) void this.#kept.start();
    if (this.#isToBeChecked) void this.#postponedStart.startInBackground();
    if (this.condition.state !== "ready") this.#statusChanged(); // the state `ready` was already reported when it was set
  }

  /** True if the start was postponed and may happen before the server is used. */
  get mayStartUnused(): boolean {
    return this.#postponedStart.mayStartUnused;
  }

  /** Starts a server whose start was postponed, unless the server is lazy. Resolves when that start is over, or after `slotMs`. */
  async startInBackground(): Promise<void> {
    await atMost(this.#postponedStart.startInBackground(), slotMs);
  }

  /**
   * Starts a postponed server because it is about to be used. Resolves when that start is over, and rejects only with the signal's reason.
   * Returns undefined if no postponed start is pending or running, even while an ordinary start is running. (If the transport is instant, always
   * returns a promise, which also waits for an ordinary start.)
   */
  startForUse(signal?: AbortSignal): Promise<void> | undefined {
    const postponed = this.#postponedStart.startForUse();
    const starting = this.#isInstant ? this.#kept.untilStarted() : postponed;
    return starting && abortable(starting, signal);
  }

  get lists(): ServerLists {
    return this.offered.lists;
  }

  get status(): ServerStatus {
    const { name, transport } = this.config;
    const { prompts, resources } = this.lists;
    const { current, startMs, latencyMs } = this.#kept;
    return {
      name,
      state: this.condition.state,
      transport,
      tools: this.#toolCount,
      prompts: prompts.length,
      resources: resources.length,
      startMs,
      latencyMs,
      version: current?.serverVersion,
      era: current?.era,
      reason: this.condition.reason,
    };
  }

  /** Number of tools that the model gets. The number is cached, because every call reads the state of servers. */
  get #toolCount(): number {
    const { lists } = this;
    if (this.#counted.lists !== lists) {
      this.#counted = { lists, tools: lists.tools.filter((tool) => isOffered(this.config, tool)).length };
    }
    return this.#counted.tools;
  }

  /** The last part of the server's stderr. It is "" for a remote server. */
  get stderr(): string {
    return this.#kept.stderr.text;
  }

  get isUsable(): boolean {
    return this.#kept.current !== undefined || this.#postponedStart.isPostponed;
  }

  /** Throws McpError if the server is down. */
  requireUsable(): void {
    if (!this.isUsable) throw this.#unavailable();
  }

  #unavailable(): McpError {
    return new McpError("unavailable", this.condition.sentence, { retryable: true });
  }

  /**
   * Waits until the start has succeeded or failed, without the limit of a grace period. Starts a postponed server, unless it is lazy.
   */
  untilStarted(): Promise<void> {
    void this.#postponedStart.startInBackground();
    return this.#kept.untilStarted();
  }

  /**
   * Waits as `untilReadyOrGraceOver` does, but not for an optional server whose lists are stored from an earlier run, because they are offered now. Old
   * lists are checked first: runs that end soon may never start the server otherwise.
   */
  async untilListsKnown(signal?: AbortSignal): Promise<void> {
    if (this.config.required || !this.offered.isRemembered || this.#isToBeChecked)
      await this.untilReadyOrGraceOver(signal);
  }

  get #isToBeChecked(): boolean {
    return this.offered.isOld && !this.config.lazy;
  }

  /**
   * Waits until the start has succeeded or failed, or the grace period of an optional server is over. Starts a postponed server, unless it is
   * lazy. Also reads stale lists again.
   */
  async untilReadyOrGraceOver(signal?: AbortSignal): Promise<void> {
    void this.#postponedStart.startInBackground();
    await this.refresh.rereadIfStale(signal);
    await this.#kept.untilReadyOrGraceOver(signal);
  }

  /** The current connection. Throws McpError if there is none. */
  get connection(): McpConnection {
    this.#kept.closing.throwIfAborted();
    const { current } = this.#kept;
    if (!current) throw this.#unavailable();
    return current;
  }

  /** Reads a resource, and watches it for changes as long as it is among the last ones that were read (`WatchedResources`). Throws McpError. */
  async readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]> {
    await this.startForUse(signal);
    const content = await this.connection.readResource(uri, signal);
    this.#watched.addRead(uri);
    return content;
  }

  /** Watches a resource for a client, until the returned function is called. Throws McpError. */
  async watchResource(uri: string, signal?: AbortSignal): Promise<() => void> {
    await this.startForUse(signal);
    this.requireUsable();
    return this.#watched.addClient(uri);
  }

  /** Waits until the running calls have ended, then closes the server. */
  async retire(): Promise<void> {
    await this.calls.untilIdle();
    await this.close("it was removed from the configuration, or changed there");
  }

  close(reason = "the host is closing"): Promise<void> {
    return this.#kept.close(reason);
  }

  #connected(connection: McpConnection, lists: ServerLists): void {
    this.offered.take(lists, connection.serverVersion);
    this.#watched.watchAll();
    this.refresh.scheduleSecondRead();
  }
}

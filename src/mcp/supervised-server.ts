/** One entry of `mcpServers`, kept connected: its state, what it offers, and a fresh connection when the last one is lost. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ContentPart } from "../core/chat.js";
import type { ServerConfig } from "../core/config.js";
import { McpError, messageOf } from "../core/errors.js";
import type { Observe, ServerStatus } from "../core/ports.js";
import type { AuthOptions } from "./auth/authorization.js";
import { Callbacks } from "./callbacks.js";
import { coalesced } from "./coalesced.js";
import { Condition } from "./condition.js";
import { connect } from "./connect.js";
import type { ConnectionEvents, McpConnection } from "./connection.js";
import { untilSilent } from "./health.js";
import { Manifest } from "./manifest.js";
import { Offer } from "./offer.js";
import type { Sample } from "./sampling.js";
import type { ServerLists } from "./server-lists.js";
import { isOffered } from "./tools.js";
import { routeTo } from "./transports/route.js";
import { abortable, atMost } from "./wait.js";
import { WatchedResources } from "./watched-resources.js";

const firstRestartMs = 500;
const longestRestartMs = 60_000;
/** A connection that held this long makes the next restart a first one. */
const stableMs = 30_000;
/** Servers that register tools after `initialized` tell it too early for the HTTP stream of notifications (server-everything). */
const secondListMs = 500;
/** Changes of lists come in bursts. */
const listDebounceMs = 100;

export interface ServerEvents {
  observe: Observe;
  statusChanged(status: ServerStatus): void;
  listsChanged(): void;
}

/** What servers need of the host beside that. */
export interface HostSide {
  /** Without it, a remote server has only the headers of its configuration. */
  auth?: AuthOptions;
  /** The model, for servers that ask it something. Without it, they are told that there is none. */
  sample?: Sample;
  /** Where manifests are kept. Without it, lazy servers start like others, and no change of a tool is noticed. */
  manifestFolder?: string;
}

export class SupervisedServer {
  readonly config: ServerConfig;
  readonly condition: Condition;

  readonly #host: HostSide;
  readonly #callbacks: Callbacks;
  readonly #closing = new AbortController();
  #connection: McpConnection | undefined;
  /** The start under way or done. Never rejects. */
  #start: Promise<void> = Promise.resolve();
  readonly #watched = new WatchedResources((text) => this.condition.notice(text));
  #startedAt = 0;
  #startMs: number | undefined;
  #latencyMs: number | undefined;
  readonly #offer: Offer;
  /** Not started yet: its lists are those of the last time. */
  #isAsleep = false;
  /** The start that the first use of a lazy server waits for. */
  #waking: Promise<void> | undefined;
  readonly #calls = new Set<Promise<unknown>>();
  /** Failed starts and lost connections since the last stable one. */
  #failures = 0;
  readonly #listSoon = coalesced(() => this.#listAgain(), this.#closing.signal);

  constructor(config: ServerConfig, events: ServerEvents, host: HostSide) {
    this.config = config;
    this.#host = host;
    this.condition = new Condition(config, {
      observe: events.observe,
      changed: () => events.statusChanged(this.status),
    });
    const noticed = (text: string) => this.condition.notice(text);
    this.#callbacks = new Callbacks(config, { sample: host.sample, noticed });
    const manifest = host.manifestFolder === undefined ? undefined : new Manifest(host.manifestFolder, config);
    this.#offer = new Offer({ condition: this.condition, manifest, changed: () => events.listsChanged() });
  }

  start(): void {
    if (!this.config.enabled || this.config.refusal) return;
    this.#isAsleep = this.config.lazy && this.#offer.recall();
    if (this.#isAsleep) this.condition.set("ready", "it starts at its first use");
    else this.#start = this.#connect();
  }

  /** Before any use: resolves at once but for a lazy server. Rejects with the signal's reason only. */
  async awake(signal?: AbortSignal): Promise<void> {
    if (this.#isAsleep) {
      this.#isAsleep = false;
      this.condition.set("starting");
      this.#start = this.#connect();
      this.#waking = this.#start;
    }
    if (this.#waking) await abortable(this.#waking, signal);
  }

  /** Remembers the call for as long as it runs. */
  async during<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  get lists(): ServerLists {
    return this.#offer.lists;
  }

  get status(): ServerStatus {
    const { name, transport } = this.config;
    const { tools, prompts, resources } = this.lists;
    return {
      name,
      state: this.condition.state,
      transport,
      tools: tools.filter((tool) => isOffered(this.config, tool.name)).length,
      prompts: prompts.length,
      resources: resources.length,
      startMs: this.#startMs,
      latencyMs: this.#latencyMs,
      version: this.#connection?.serverVersion,
      era: this.#connection?.era,
      reason: this.condition.reason,
    };
  }

  get isUsable(): boolean {
    return this.#connection !== undefined || this.#isAsleep;
  }

  /** Resolves when the start under way has ended, one way or the other. */
  async started(): Promise<void> {
    if (this.condition.state === "starting") await this.#start;
  }

  /** As `started`, but an optional server is waited for only until its grace is used up. */
  async settled(signal?: AbortSignal): Promise<void> {
    if (this.condition.state !== "starting") return;
    const { required, startupGraceMs } = this.config;
    const graceLeftMs = startupGraceMs - (performance.now() - this.#startedAt);
    if (required) await abortable(this.#start, signal);
    else if (graceLeftMs > 0) await abortable(atMost(this.#start, graceLeftMs), signal);
  }

  /** The live connection. Throws McpError when there is none. */
  get connection(): McpConnection {
    if (!this.#connection) throw new McpError("unavailable", this.condition.sentence, { retryable: true });
    return this.#connection;
  }

  /** Throws McpError. What was read once is watched from then on, so that its change is noticed. */
  async readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]> {
    await this.awake(signal);
    const { connection } = this;
    const content = await connection.readResource(uri, signal);
    this.#watched.add(uri, connection);
    return content;
  }

  /** As `close`, once the calls that are running have ended. */
  async retire(): Promise<void> {
    while (this.#calls.size > 0 && !this.#closing.signal.aborted) await Promise.allSettled(this.#calls);
    await this.close();
  }

  /** Resolves when nothing of the server is left. */
  async close(): Promise<void> {
    this.#closing.abort(new McpError("unavailable", "the host is closing"));
    await this.#start;
    await this.#connection?.close();
    this.#connection = undefined;
  }

  async #connect(): Promise<void> {
    const { name, startupTimeoutMs } = this.config;
    this.#startedAt = performance.now();
    const late = new AbortController();
    const timer = setTimeout(() => {
      const hint = `raise mcpServers.${name}.startup_timeout if it is only slow`;
      late.abort(new McpError("timeout", `not ready within ${startupTimeoutMs / 1000} s`, { retryable: true, hint }));
    }, startupTimeoutMs);
    try {
      const signal = AbortSignal.any([late.signal, this.#closing.signal]);
      const events: ConnectionEvents = {
        listsChanged: () => this.#listSoon(listDebounceMs),
        noticed: (text) => this.condition.notice(text),
        resourceChanged: (uri) => this.condition.log("info", `the resource ${uri} has changed`),
        logged: (level, text) => this.condition.logged(level, text),
      };
      const connection = await connect(this.config, this.#callbacks, events, signal, () =>
        routeTo(this.config, this.#host.auth),
      );
      const askedAt = performance.now();
      const lists = await connection.lists(signal).catch(async (error: unknown) => {
        await connection.close();
        throw error;
      });
      this.#latencyMs = Math.round(performance.now() - askedAt);
      this.#hold(connection, lists);
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#fail(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #hold(connection: McpConnection, lists: ServerLists): void {
    this.#connection = connection;
    const readyAt = performance.now();
    this.#startMs = Math.round(readyAt - this.#startedAt);
    void connection.lost.then((reason) => {
      if (performance.now() - readyAt > stableMs) this.#failures = 0;
      this.#restart(reason);
    });
    this.#watchHealth(connection);
    this.#offer.take(lists);
    this.#watched.watchAll(connection);
    if (connection.changesLists) this.#listSoon(secondListMs);
  }

  #watchHealth(connection: McpConnection): void {
    const { pingIntervalMs: intervalMs } = this.config;
    if (intervalMs === 0) return;
    const ended = new AbortController();
    void connection.lost.then(() => ended.abort());
    const silent = untilSilent({
      ping: (signal) => connection.ping(signal),
      isBusy: () => this.#calls.size > 0,
      intervalMs,
      signal: AbortSignal.any([ended.signal, this.#closing.signal]),
      answered: (ms) => {
        this.#latencyMs = Math.round(ms);
      },
    });
    silent.then(
      () => connection.giveUp(new McpError("timeout", "it does not answer any more", { retryable: true })),
      () => {},
    );
  }

  /** Tools stay on offer while a lost server restarts: for a moment's loss the list, and the prompt cache, should not change. */
  #restart(reason: McpError): void {
    this.#connection = undefined;
    this.#startedAt = performance.now();
    this.condition.set("starting", `the connection was lost: ${reason.message}; it is being restarted`);
    this.#start = this.#afterPause(() => this.#connect());
  }

  #fail(error: unknown): void {
    const known = error instanceof McpError ? error : undefined;
    this.#offer.withdraw();
    this.condition.set(known?.kind === "needs_auth" ? "needs_auth" : "failed", withHint(messageOf(error), known?.hint));
    if (known?.kind === "needs_auth") void this.#startAfterLogin();
    if (known?.retryable) void this.#afterPause(() => this.start());
  }

  async #startAfterLogin(): Promise<void> {
    const { auth } = this.#host;
    if (!auth || this.config.transport === "stdio") return;
    const { AuthFile } = await import("./auth/auth-file.js");
    await new AuthFile(auth.folder, this.config).changed(this.#closing.signal).then(
      () => this.start(),
      () => {},
    );
  }

  /** Longer with every failure in a row. Ends without the action when the host closes. */
  #afterPause(action: () => Promise<void> | void): Promise<void> {
    const ms = Math.min(longestRestartMs, firstRestartMs * 2 ** this.#failures);
    this.#failures += 1;
    return sleep(ms, undefined, { signal: this.#closing.signal }).then(action, () => {});
  }

  async #listAgain(): Promise<void> {
    const connection = this.#connection;
    try {
      const lists = await connection?.lists(this.#closing.signal);
      if (lists && connection === this.#connection) this.#offer.take(lists);
    } catch (error) {
      if (connection === this.#connection)
        this.condition.log("warn", `the lists could not be read again: ${messageOf(error)}`);
    }
  }
}

function withHint(message: string, hint: string | undefined): string {
  return hint ? `${message} (${hint})` : message;
}

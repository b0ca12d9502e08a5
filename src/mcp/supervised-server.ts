/** One entry of `mcpServers`, kept connected: its state, what it offers, and a fresh connection when the last one is lost. */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { ServerState } from "../core/chat.js";
import type { ServerConfig } from "../core/config.js";
import { McpError, messageOf } from "../core/errors.js";
import type { Observe, ServerStatus } from "../core/ports.js";
import { coalesced } from "./coalesced.js";
import { connect } from "./connect.js";
import type { ConnectionEvents, McpConnection } from "./connection.js";
import { redactor } from "./redact.js";
import { emptyLists, type ServerLists } from "./server-lists.js";
import { isOffered } from "./tools.js";
import { abortable, atMost } from "./wait.js";

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

export class SupervisedServer {
  readonly config: ServerConfig;
  lists: ServerLists = emptyLists;

  readonly #events: ServerEvents;
  readonly #redact: (text: string) => string;
  readonly #closing = new AbortController();
  #state: ServerState;
  #reason: string | undefined;
  #connection: McpConnection | undefined;
  /** The start under way or done. Never rejects. */
  #start: Promise<void> = Promise.resolve();
  #startedAt = 0;
  #startMs: number | undefined;
  /** Failed starts and lost connections since the last stable one. */
  #failures = 0;
  readonly #listSoon = coalesced(() => this.#listAgain(), this.#closing.signal);

  constructor(config: ServerConfig, events: ServerEvents) {
    this.config = config;
    this.#events = events;
    this.#redact = redactor(config);
    this.#state = config.enabled ? "starting" : "disabled";
  }

  start(): void {
    if (this.config.enabled) this.#start = this.#connect();
  }

  get status(): ServerStatus {
    const { name, transport } = this.config;
    const { tools, prompts, resources } = this.lists;
    return {
      name,
      state: this.#state,
      transport,
      tools: tools.filter((tool) => isOffered(this.config, tool.name)).length,
      prompts: prompts.length,
      resources: resources.length,
      startMs: this.#startMs,
      version: this.#connection?.serverVersion,
      reason: this.#reason,
    };
  }

  get isUsable(): boolean {
    return this.#connection !== undefined;
  }

  /** As a sentence about the server: "… is failed: command not found: foo (install it …)". */
  get condition(): string {
    return `the MCP server "${this.config.name}" is ${this.#state}${this.#reason ? `: ${this.#reason}` : ""}`;
  }

  /** Resolves when the start under way has ended, one way or the other. */
  async started(): Promise<void> {
    if (this.#state === "starting") await this.#start;
  }

  /** As `started`, but an optional server is waited for only until its grace is used up. */
  async settled(signal?: AbortSignal): Promise<void> {
    if (this.#state !== "starting") return;
    const { required, startupGraceMs } = this.config;
    const graceLeftMs = startupGraceMs - (performance.now() - this.#startedAt);
    if (required) await abortable(this.#start, signal);
    else if (graceLeftMs > 0) await abortable(atMost(this.#start, graceLeftMs), signal);
  }

  /** The live connection. Throws McpError when there is none. */
  get connection(): McpConnection {
    if (!this.#connection) throw new McpError("unavailable", this.condition, { retryable: true });
    return this.#connection;
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
        noticed: (text) => this.#log("debug", text),
      };
      const connection = await connect(this.config, events, signal);
      const lists = await connection.lists(signal).catch(async (error: unknown) => {
        await connection.close();
        throw error;
      });
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
    this.#take(lists);
    if (connection.changesLists) this.#listSoon(secondListMs);
  }

  /** Tools stay on offer while a lost server restarts: for a moment's loss the list, and the prompt cache, should not change. */
  #restart(reason: McpError): void {
    this.#connection = undefined;
    this.#startedAt = performance.now();
    this.#set("starting", `the connection was lost: ${reason.message}; it is being restarted`);
    this.#start = this.#pause().then(
      () => this.#connect(),
      () => {},
    );
  }

  #fail(error: unknown): void {
    const known = error instanceof McpError ? error : undefined;
    this.#replaceLists(emptyLists);
    this.#set(known?.kind === "needs_auth" ? "needs_auth" : "failed", withHint(messageOf(error), known?.hint));
    if (known?.retryable)
      void this.#pause().then(
        () => this.start(),
        () => {},
      );
  }

  /** Before the next start; rejects when the host closes. */
  #pause(): Promise<void> {
    const ms = Math.min(longestRestartMs, firstRestartMs * 2 ** this.#failures);
    this.#failures += 1;
    return sleep(ms, undefined, { signal: this.#closing.signal });
  }

  async #listAgain(): Promise<void> {
    const connection = this.#connection;
    try {
      const lists = await connection?.lists(this.#closing.signal);
      if (lists && connection === this.#connection) this.#take(lists);
    } catch (error) {
      if (connection === this.#connection) this.#log("warn", `the lists could not be read again: ${messageOf(error)}`);
    }
  }

  #take(lists: ServerLists): void {
    const { problems } = lists;
    this.#replaceLists(lists);
    if (problems.length === 0) this.#set("ready");
    else this.#set("degraded", `left out: ${problems.join("; ")}`);
  }

  /** Keeps the old objects when nothing changed: compiled argument checks hang on them. */
  #replaceLists(lists: ServerLists): void {
    if (isDeepStrictEqual(lists, this.lists)) return;
    this.lists = lists;
    this.#events.listsChanged();
  }

  #set(state: ServerState, reason?: string): void {
    if (state === this.#state && reason === this.#reason) return;
    this.#state = state;
    this.#reason = reason;
    const isGood = state === "ready" || state === "starting";
    this.#log(isGood ? "info" : "warn", reason ? `${state}: ${reason}` : state);
    this.#events.statusChanged(this.status);
  }

  #log(level: "debug" | "info" | "warn", text: string): void {
    const { name } = this.config;
    this.#events.observe({ level, scope: "mcp", message: `${name}: ${this.#redact(text)}`, fields: { server: name } });
  }
}

function withHint(message: string, hint: string | undefined): string {
  return hint ? `${message} (${hint})` : message;
}

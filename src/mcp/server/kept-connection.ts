/** Keeps one server connected: retries a failed start, and replaces a lost connection. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ServerConfig } from "../../core/config.js";
import { McpError, type McpErrorKind, messageOf } from "../../core/errors.js";
import type { Meter } from "../../core/measurements.js";
import { waitText } from "../../core/text/durations.js";
import type { ServerTransport } from "../../core/transports.js";
import type { AuthOptions } from "../auth/authorization.js";
import type { Callbacks } from "../callbacks/callbacks.js";
import type { ServerLists } from "../lists/server-lists.js";
import type { ServerRoute } from "../protocol/server-route.js";
import { abortable, atMost } from "../shared/wait.js";
import { routeTo } from "../transports/open-route.js";
import { StderrTail } from "../transports/stderr-tail.js";
import { connectServer } from "./connect.js";
import { Backoff, untilSilent } from "./connection-loss.js";
import type { ConnectionEvents, McpConnection } from "./mcp-connection.js";
import type { Condition } from "./server-condition.js";
import { type StartSlots, slotMs } from "./start-slots.js";

interface KeptConnectionParts {
  callbacks: Callbacks;
  condition: Condition;
  auth?: AuthOptions;
  transport?: ServerTransport | undefined;
  /** Called with each piece of text that the server writes to stderr. */
  onStderr?: (text: string) => void;
  meter?: Meter | undefined;
  /** The slots for starts of processes. Undefined for a server without a process. */
  slots: StartSlots | undefined;
  events: ConnectionEvents;
  isBusy(): boolean;
  connected(connection: McpConnection, lists: ServerLists): void;
  /** Called when a start has failed. It is not called when a connection is lost, because a new start follows then. */
  failed(): void;
}

export class KeptConnection {
  /** Duration of the last successful start, in ms. */
  startMs: number | undefined;
  /** Time in ms that the server took for its last answer, to a ping or to a request for its lists. */
  latencyMs: number | undefined;
  /** The last lines that the server wrote to stderr, across all its starts. */
  readonly stderr: StderrTail;
  readonly #config: ServerConfig;
  readonly #parts: KeptConnectionParts;
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff();
  #connection: McpConnection | undefined;
  /** The start that is running or was the last to run. This promise never rejects. */
  #start: Promise<void> = Promise.resolve();
  /** Settles when the start has its slot, and so begins. */
  #begun: Promise<void> = Promise.resolve();
  #startedAt = 0;
  #readyAt = 0;

  constructor(config: ServerConfig, parts: KeptConnectionParts) {
    this.stderr = new StderrTail(config);
    this.#config = config;
    this.#parts = parts;
  }

  get current(): McpConnection | undefined {
    return this.#connection;
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Starts the server, as soon as there is a slot for the start. Resolves once the start has succeeded or failed. */
  start(): Promise<void> {
    this.#start = this.#connectInSlot();
    return this.#start;
  }

  /** Starts the server now if its start waits for a slot. */
  hurry(): void {
    this.#parts.slots?.begin(this);
  }

  /** Resolves once the running start has succeeded or failed. Resolves at once if the server is not starting. */
  async untilStarted(): Promise<void> {
    if (this.#parts.condition.state === "starting") await this.#start;
  }

  /**
   * Waits until a running start has succeeded or failed. For an optional server, waits at most until its grace period is over, which is
   * counted from the moment when the server's process is started.
   */
  async untilReadyOrGraceOver(signal?: AbortSignal): Promise<void> {
    if (this.#parts.condition.state !== "starting") return;
    const { required, startupGraceMs } = this.#config;
    if (required) return abortable(this.#start, signal);
    if (startupGraceMs === 0) return;
    await abortable(Promise.race([this.#begun, this.#start]), signal);
    const graceLeftMs = startupGraceMs - (performance.now() - this.#startedAt);
    if (graceLeftMs > 0) await abortable(atMost(this.#start, graceLeftMs), signal);
  }

  /** Closes the connection for good. Resolves when the connection and the server's process have ended. */
  async close(reason: string): Promise<void> {
    this.#closing.abort(new McpError("unavailable", reason));
    await this.#start;
    if (this.#connection) this.#measureEnd();
    await this.#connection?.close();
    this.#connection = undefined;
  }

  async #connectInSlot(): Promise<void> {
    const { slots } = this.#parts;
    if (!slots) return this.#connect();
    this.#begun = slots.take(this, this.closing);
    try {
      await this.#begun;
    } catch {
      return; // the server is being closed
    }
    const start = this.#connect();
    await atMost(start, slotMs);
    slots.leave();
    await start;
  }

  async #connect(): Promise<void> {
    const { name, startupTimeoutMs } = this.#config;
    const { auth, onStderr } = this.#parts;
    this.#startedAt = performance.now();
    const timeout = new AbortController();
    let route: ServerRoute | undefined;
    const timer = setTimeout(() => {
      const hint = `raise mcpServers.${name}.startup_timeout if the server is only slow`;
      timeout.abort(
        new McpError("timeout", `not ready within ${waitText(startupTimeoutMs)}`, { retryable: true, hint }),
      );
    }, startupTimeoutMs);
    try {
      const signal = AbortSignal.any([timeout.signal, this.closing]);
      const heard = (text: string) => {
        this.stderr.add(text);
        onStderr?.(text);
      };
      const open = async () => {
        route = await routeTo(this.#config, auth, heard);
        return route;
      };
      const connection = await connectServer(this.#config, this.#parts, signal, open);
      const askedAt = performance.now();
      const lists = await connection.lists(signal).catch(async (error: unknown) => {
        await connection.close();
        throw error;
      });
      this.latencyMs = Math.round(performance.now() - askedAt);
      this.#hold(connection, lists);
    } catch (error) {
      if (!this.closing.aborted) this.#fail(error, route);
    } finally {
      clearTimeout(timer);
    }
  }

  #hold(connection: McpConnection, lists: ServerLists): void {
    this.#connection = connection;
    this.#readyAt = performance.now();
    this.startMs = Math.round(this.#readyAt - this.#startedAt);
    void connection.lost.then((reason) => {
      this.#backoff.held(performance.now() - this.#readyAt);
      this.#measureEnd(reason.kind);
      this.#restart(reason);
    });
    this.#watchHealth(connection);
    this.#parts.connected(connection, lists);
  }

  #measureEnd(error?: McpErrorKind): void {
    const { name: server, transport } = this.#config;
    const durationMs = performance.now() - this.#readyAt;
    this.#parts.meter?.record({ type: "connection_ended", server, transport, durationMs, ...(error && { error }) });
  }

  #watchHealth(connection: McpConnection): void {
    const { pingIntervalMs: intervalMs } = this.#config;
    if (intervalMs === 0) return;
    const ended = new AbortController();
    void connection.lost.then(() => ended.abort());
    const silent = untilSilent({
      ping: (signal) => connection.ping(signal),
      isBusy: this.#parts.isBusy,
      intervalMs,
      signal: AbortSignal.any([ended.signal, this.closing]),
      answered: (ms) => {
        this.latencyMs = Math.round(ms);
      },
    });
    silent.then(
      () => connection.giveUp(new McpError("timeout", "it no longer answers", { retryable: true })),
      () => {},
    );
  }

  #restart(reason: McpError): void {
    this.#connection = undefined;
    this.#startedAt = performance.now();
    const { condition } = this.#parts;
    condition.set("starting", `the connection was lost: ${reason.message}; it is being restarted`);
    const pauseMs = this.#parts.transport?.isInstant ? 0 : this.#backoff.nextPauseMs();
    this.#start = this.#afterPause(pauseMs, () => this.#connect());
  }

  #fail(error: unknown, route: ServerRoute | undefined): void {
    const known = error instanceof McpError ? error : undefined;
    const { condition, failed } = this.#parts;
    failed();
    condition.set(known?.kind === "needs_auth" ? "needs_auth" : "failed", withHint(messageOf(error), known?.hint));
    if (known?.kind === "needs_auth")
      route?.loggedIn?.(this.closing).then(
        () => void this.start(),
        () => {},
      );
    if (known?.retryable) void this.#afterPause(this.#backoff.nextPauseMs(), () => this.start());
  }

  /** Runs the action after the pause. Does not run it if `close` is called before the pause is over. */
  #afterPause(pauseMs: number, action: () => Promise<void>): Promise<void> {
    return sleep(pauseMs, undefined, { signal: this.closing }).then(action, () => {});
  }
}

function withHint(message: string, hint: string | undefined): string {
  return hint ? `${message} (${hint})` : message;
}

/**
 * MCP's stdio transport: one JSON-RPC message per line. It replaces the SDK's transport, which has four faults (typescript-sdk 1.32.2): it
 * leaves grandchildren running; it does not notice that a server has died if a descendant holds the pipe; it blocks if stderr is not read;
 * it splits lines in quadratic time.
 */

import { existsSync } from "node:fs";
import { setImmediate as afterDeliveries, setTimeout as sleep } from "node:timers/promises";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import type { StdioServerConfig } from "../../core/config.js";
import { McpError, messageOf } from "../../core/errors.js";
import { hasTooManyValues, isPlainObject, type JsonObject, parseJson, tooManyValues } from "../../core/json.js";
import { EndedByProbe } from "../protocol/server-session.js";
import { startOf } from "../shared/command-line.js";
import { noAnswer } from "../shared/request-failures.js";
import { abortable } from "../shared/wait.js";
import { serverEnvironment } from "./child-environment.js";
import { Deliveries } from "./deliveries.js";
import { type Edges, edgesOf, endlessAt, LineSplitter } from "./line-splitter.js";
import { ProcessGroup } from "./process-group.js";
import { StderrTail } from "./stderr-tail.js";

const bytesOfMb = 1024 * 1024;
/** Time in ms that a server gets to exit after its stdin was closed. A server that reads stdin exits within milliseconds. */
const endOfInputGraceMs = 300;
const terminateGraceMs = 1500;
/** Time in ms to wait for the last output of a server that has exited. A descendant may hold the pipe open for ever. */
const lastOutputMs = 100;
/** Maximum size, in characters, of the messages that a server may send before it has answered `ask`. They wait in memory for the client. */
const mostEarlyChars = 4 * 1024 * 1024;
/**
 * Time in ms to wait for the server's exit after a failed write. When a process is killed, first its pipes are closed; on a busy machine,
 * the process exits some time later.
 */
const dyingMs = 1000;

export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  readonly #config: StdioServerConfig;
  readonly #group: ProcessGroup;
  readonly #spawned: Promise<void>;
  readonly #exited: Promise<void>;
  readonly #deliveries = new Deliveries(this);
  /** The text to write at the end of the current turn of the event loop. */
  #outgoing = "";
  #sending: Promise<void> | undefined;
  #flushed: (error?: Error | null) => void = () => {};
  #started: Promise<void> | undefined;
  readonly #early: (() => void)[] = [];
  #isAsking = false;
  #earlyChars = 0;
  /** The way in which the server ended the connection, such as `exited with code 1`. "" while the connection is open. */
  #ending = "";
  readonly #stderr: StderrTail;
  #closed = false;
  #closing: Promise<void> | undefined;

  /**
   * Starts the server's process at once, so that it can start while the host still loads the SDK. `onStderr` is called with each piece of text
   * that the server writes to stderr.
   */
  constructor(config: StdioServerConfig, onStderr: (text: string) => void = () => {}) {
    this.#config = config;
    this.#stderr = new StderrTail(config);
    const { command, args, cwd } = startOf(config);
    this.#group = new ProcessGroup(command, args, {
      cwd,
      env: serverEnvironment(config.env),
      stdio: "pipe",
    });
    const { leader } = this.#group;
    this.#spawned = new Promise((resolve, reject) => leader.once("spawn", resolve).on("error", reject));
    this.#spawned.catch(() => {});
    this.#exited = new Promise((resolve) => {
      leader.once("exit", (code, signal) => {
        this.#ending ||= signal ? `was killed by ${signal}` : `exited with code ${code}`;
        resolve();
      });
    });
    leader.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr.add(text);
      onStderr(text);
    });
  }

  /**
   * Starts the transport. `ask` calls this method first, and the client calls it again. The second call does not start anything: it
   * delivers the messages that arrived before the client, except the answer to `ask`.
   */
  async start(): Promise<void> {
    this.#started ??= this.#start();
    await this.#started;
    for (const deliver of this.#early.splice(0)) setImmediate(deliver);
  }

  /**
   * Sends one request before a client uses the transport, and resolves with the answer. Rejects with EndedByProbe if the server exits, or
   * with the signal's reason.
   */
  async ask(request: JSONRPCRequest, signal: AbortSignal): Promise<JsonObject | undefined> {
    await this.start();
    this.#isAsking = true;
    const answer = new Promise<JsonObject>((resolve, reject) => {
      this.onmessage = (message: unknown) => {
        if (isPlainObject(message) && message.id === request.id && message.method === undefined) resolve(message);
        else this.#early.push(() => this.#deliveries.push(message));
      };
      this.onerror = (error) => this.#early.push(() => this.onerror?.(error));
      this.onclose = () => reject(new EndedByProbe());
    });
    try {
      const sent = this.send(request).catch(() => {}); // if the server has exited, `onclose` reports it
      return await abortable(
        sent.then(() => answer),
        signal,
      );
    } finally {
      this.#isAsking = false;
      this.onmessage = undefined;
      this.onerror = undefined;
      this.onclose = undefined;
    }
  }

  async #start(): Promise<void> {
    await this.#spawned;
    const { stdout, stdin } = this.#group.leader;
    const lines = new LineSplitter(this.#config.maxMessageMb * bytesOfMb, {
      line: (text) => this.#receive(text),
      tooLong: (edges) => this.#refuse(edges, `more than ${this.#config.maxMessageMb} MB`),
      endless: () =>
        this.#giveUp(`wrote more than ${endlessAt * this.#config.maxMessageMb} MB without the end of a line`),
    });
    stdout?.on("data", (chunk: Buffer) => lines.push(chunk));
    stdin?.on("error", (error) => this.onerror?.(error));
    const outputEnded = new Promise((resolve) => stdout?.once("close", resolve));
    void this.#exited
      .then(() => Promise.race([outputEnded, sleep(lastOutputMs)]))
      .then(() => afterDeliveries())
      .then(() => {
        this.#reportClosed();
        return this.close();
      });
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#closed) return Promise.reject(new Error("the connection is closed"));
    this.#outgoing += `${JSON.stringify(message)}\n`;
    this.#sending ??= new Promise((resolve, reject) => {
      // The function is stored in a variable first. If it were written in the assignment below, V8 would allocate it among the old objects,
      // and everything that it refers to would stay in memory until a full collection (AGENTS.md).
      const flushed = (error?: Error | null) => {
        if (error) void this.#closedByServer().then(() => reject(error));
        else resolve();
      };
      this.#flushed = flushed;
      process.nextTick(() => this.#flush());
    });
    return this.#sending;
  }

  /** Writes all messages of one turn of the event loop together, such as several parallel calls. */
  #flush(): void {
    if (!this.#sending) return;
    this.#group.leader.stdin?.write(this.#outgoing, this.#flushed);
    this.#outgoing = "";
    this.#sending = undefined;
  }

  /**
   * Closes the connection after a failed write. First waits for the exit of the server, because the exit explains the failure better than
   * the failed write.
   */
  async #closedByServer(): Promise<void> {
    await Promise.race([this.#exited, sleep(dyingMs)]);
    void this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Returns an McpError with the reason of a failure and the server's last output on stderr. */
  explain(error: unknown): McpError {
    const { name, command, cwd } = this.#config;
    const code = isPlainObject(error) ? error.code : undefined;
    if (code === "ENOENT" || code === "EACCES") {
      if (cwd !== undefined && !existsSync(cwd)) {
        return new McpError("unavailable", `the folder ${cwd} does not exist`, { hint: `fix mcpServers.${name}.cwd` });
      }
      const what = code === "ENOENT" ? "command not found" : "not allowed to run the command";
      const hint = `install it or fix mcpServers.${name}.command`;
      return new McpError("unavailable", `${what}: ${command}`, { hint, cause: error });
    }
    const known = error instanceof McpError ? error : undefined;
    const what = this.#ending ? `the server ${this.#ending}` : messageOf(error);
    const { text } = this.#stderr;
    return new McpError(known?.kind ?? "unavailable", text ? `${what}; it said: ${text}` : what, {
      retryable: true,
      hint: known?.hint,
      cause: error,
    });
  }

  #receive(line: string): void {
    if (this.#isAsking) this.#earlyChars += line.length;
    if (this.#earlyChars > mostEarlyChars) {
      this.#giveUp("sent too many messages before its first answer");
      return;
    }
    const message = parseJson(line);
    if (message !== undefined) this.#deliveries.push(message);
    else if (hasTooManyValues(line)) this.#refuse(edgesOf(line), tooManyValues);
    else if (line.trim() !== "") this.onerror?.(new Error(`not a JSON line on stdout: ${line.slice(0, 200)}`));
  }

  /**
   * Fails the request whose answer was too large, and keeps the connection open. Only the two ends of the answer are known, so the request
   * is found only if its id is the first or the last member.
   */
  #refuse({ head, tail }: Edges, size: string): void {
    const id =
      /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d+)\s*,/.exec(head)?.[1] ??
      /,\s*"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(tail)?.[1];
    const message = `the server sent a message of ${size}, which was dropped`;
    this.onerror?.(new Error(message));
    if (id === undefined) return;
    this.#deliveries.push({ jsonrpc: "2.0", id: Number(id), error: { code: -32603, message, data: noAnswer } });
  }

  /** Ends the connection to a server that cannot be used, for example because nothing more can be read from it. */
  #giveUp(ending: string): void {
    this.#ending ||= ending;
    void this.close();
  }

  #reportClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onclose?.();
  }

  async #end(): Promise<void> {
    this.#reportClosed();
    const { leader } = this.#group;
    this.#flush();
    leader.stdin?.end();
    if (!(await this.#group.gone(this.#ending ? 0 : endOfInputGraceMs))) await this.#group.end(terminateGraceMs);
    // A descendant that left the group may still hold the other ends of the pipes. Open pipes would keep the host running.
    for (const pipe of leader.stdio) pipe?.destroy();
  }
}

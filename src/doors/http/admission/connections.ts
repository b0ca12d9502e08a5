/** Limits the open connections of the HTTP server, and closes some of them to make room for new connections. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Visit } from "./gate.js";
import { callerAddress } from "./rate-limit.js";

/**
 * Number of extra connections beyond the limit, for health probes only (`/healthz`, `/readyz`). An orchestrator such as Kubernetes restarts
 * a host whose probes fail.
 */
const slotsForProbes = 16;
/** Minimum time between two messages that the limit is reached, in ms. */
const repeatMs = 60_000;

interface ConnectionsParts {
  /** Maximum number of connections, without the extra connections for probes. */
  most: number;
  /** Returns the time of a monotonic clock, in ms. */
  now: () => number;
  /** Called when a connection is refused because the limit is reached. Called at most once a minute. */
  onFull: () => void;
}

/**
 * Open connections. A connection counts as a stranger until a request with the token arrives on it. If the limit is reached, a new
 * connection takes the place of the oldest stranger: from an address whose strangers take up half of the limit, otherwise from any address.
 *
 * While there is room, no connection is closed, however many come from one address: a client that sends many requests in one moment, or a
 * proxy, opens all its connections before it sends the first request.
 */
export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #kept = new Set<Socket>();
  /** Connections without the token so far, by address. Within an address, the oldest comes first. */
  readonly #strangersOf = new Map<string, Set<Socket>>();
  /** All connections without the token so far, with their addresses. The oldest comes first. */
  readonly #strangers = new Map<Socket, string>();
  /** Connections beyond the limit, for probes only. The oldest comes first. */
  readonly #forProbes = new Set<Socket>();
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
  }

  /** Adds a new connection. Does nothing if the connection is already known. */
  add(socket: Socket): void {
    if (this.#kept.has(socket) || this.#strangers.has(socket) || this.#forProbes.has(socket)) return;
    if (!this.#hasPlace) this.#end(this.#crowd() ?? this.#strangers.keys());
    if (this.#hasPlace) {
      this.#addStranger(socket);
    } else {
      if (this.#forProbes.size >= slotsForProbes) this.#end(this.#forProbes);
      this.#forProbes.add(socket);
    }
    socket.once("close", () => this.#remove(socket));
  }

  /**
   * Returns true if the connection may be used only for probes. If the number of connections has fallen below the limit, lifts this
   * restriction and returns false.
   */
  #isForProbes(socket: Socket): boolean {
    if (!this.#forProbes.has(socket)) return false;
    if (this.#hasPlace) {
      this.#forProbes.delete(socket);
      this.#addStranger(socket);
      return false;
    }
    const now = this.#parts.now();
    if (now - this.#fullAt >= repeatMs) {
      this.#fullAt = now;
      this.#parts.onFull();
    }
    return true;
  }

  visit(socket: Socket): Pick<Visit, "address" | "isForProbes" | "keep"> {
    return {
      address: callerAddress(socket),
      isForProbes: this.#isForProbes(socket),
      keep: () => this.#keep(socket),
    };
  }

  /** Records that the connection carried the token. From then on, the connection is not closed to make room for new connections. */
  #keep(socket: Socket): void {
    if (!this.#strangers.has(socket)) return;
    this.#remove(socket);
    this.#kept.add(socket);
  }

  get #hasPlace(): boolean {
    return this.#kept.size + this.#strangers.size < this.#parts.most;
  }

  /** Returns the strangers from an address that has half of the slots or more. The oldest comes first. */
  #crowd(): Set<Socket> | undefined {
    for (const ofAddress of this.#strangersOf.values()) if (ofAddress.size >= this.#parts.most / 2) return ofAddress;
    return undefined;
  }

  #addStranger(socket: Socket): void {
    const address = callerAddress(socket);
    this.#strangers.set(socket, address);
    this.#strangersOf.set(address, (this.#strangersOf.get(address) ?? new Set()).add(socket));
  }

  /** Closes the first of these connections, if there is any. */
  #end(sockets: Iterable<Socket>): void {
    for (const socket of sockets) {
      this.#remove(socket);
      socket.destroy();
      return;
    }
  }

  #remove(socket: Socket): void {
    this.#kept.delete(socket);
    this.#forProbes.delete(socket);
    const address = this.#strangers.get(socket);
    if (address === undefined) return;
    this.#strangers.delete(socket);
    const ofAddress = this.#strangersOf.get(address);
    ofAddress?.delete(socket);
    if (ofAddress?.size === 0) this.#strangersOf.delete(address);
  }
}

/**
 * When a connection closes, ends the answers that wait behind an earlier answer of the connection, because the client has not waited for it
 * (pipelining). Node emits "close" only for the answer that is being written. Without this function, the calls whose answers wait would
 * continue although nobody reads the answers, and waiting streams would never end.
 */
export function endWaitingAnswers(server: Server): void {
  const waitingOf = new WeakMap<Socket, Set<ServerResponse>>();
  server.on("request", ({ socket }: IncomingMessage, answer: ServerResponse) => {
    if (answer.socket) return; // this answer need not wait: no earlier answer is being written
    const known = waitingOf.get(socket);
    const waiting = known ?? new Set();
    waiting.add(answer);
    answer.once("socket", () => waiting.delete(answer)); // from then on, Node emits "close" for this answer
    if (known) return;
    waitingOf.set(socket, waiting);
    socket.once("close", () => {
      for (const each of waiting) each.destroy().emit("close");
    });
  });
}

/** The open connections of the door: how many there may be, and which of them give way to others. */
import type { Socket } from "node:net";
import { callerAddress } from "./caller-address.js";
import type { Visit } from "./gate.js";

/** Connections beyond the limit, which only ask how the host is: an orchestrator restarts a host whose probes are refused. */
const placesForProbes = 16;
/** How often it is said that the door is full. */
const repeatMs = 60_000;

interface ConnectionsParts {
  /** Without those for probes. */
  most: number;
  /** Milliseconds, by a clock that only runs. */
  now: () => number;
  /** The door has just refused a connection for want of a place; called once a minute at most. */
  onFull: () => void;
}

/**
 * A connection is a stranger's until a request with the token came on it. Strangers give way, the oldest first: to others of their
 * address when they hold half of all places, and to any new connection when no place is free.
 */
export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #kept = new Set<Socket>();
  /** Of each address with strangers, the oldest first. */
  readonly #strangersOf = new Map<string, Set<Socket>>();
  /** The address of each stranger, the oldest first. */
  readonly #strangers = new Map<Socket, string>();
  /** The oldest first. */
  readonly #forProbes = new Set<Socket>();
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
  }

  /** Without effect for a connection that is known. */
  add(socket: Socket): void {
    if (this.#kept.has(socket) || this.#strangers.has(socket) || this.#forProbes.has(socket)) return;
    const address = callerAddress(socket);
    const ofAddress = this.#strangersOf.get(address);
    if (ofAddress && ofAddress.size >= this.#parts.most / 2) this.#end(ofAddress);
    if (!this.#hasPlace) this.#end(this.#strangers.keys());
    if (this.#hasPlace) {
      this.#addStranger(socket);
    } else {
      if (this.#forProbes.size >= placesForProbes) this.#end(this.#forProbes);
      this.#forProbes.add(socket);
    }
    socket.once("close", () => this.#remove(socket));
  }

  /** Whether the connection has no place but one for probes. It takes another one as soon as that is free. */
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

  /** What the gate is to know of the connection that a request came on. */
  visit(socket: Socket): Pick<Visit, "address" | "isForProbes" | "keep"> {
    return {
      address: callerAddress(socket),
      isForProbes: this.#isForProbes(socket),
      keep: () => this.#keep(socket),
    };
  }

  /** A request with the token came on the connection: it stays until one of its ends closes it. */
  #keep(socket: Socket): void {
    if (!this.#strangers.has(socket)) return;
    this.#remove(socket);
    this.#kept.add(socket);
  }

  get #hasPlace(): boolean {
    return this.#kept.size + this.#strangers.size < this.#parts.most;
  }

  #addStranger(socket: Socket): void {
    const address = callerAddress(socket);
    this.#strangers.set(socket, address);
    this.#strangersOf.set(address, (this.#strangersOf.get(address) ?? new Set()).add(socket));
  }

  /** Ends the first of these connections, if there is one. */
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

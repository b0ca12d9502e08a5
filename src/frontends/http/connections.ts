/** Open connections of the door: their limit, and which are closed to make room. */
import type { Socket } from "node:net";
import { callerAddress } from "./caller-address.js";
import type { Visit } from "./gate.js";

/** Connections beyond the limit that may only probe: an orchestrator restarts a host whose probes are refused. */
const placesForProbes = 16;
/** Interval of the message that the door is full. */
const repeatMs = 60_000;

interface ConnectionsParts {
  /** Limit without the connections for probes. */
  most: number;
  /** Milliseconds of a monotonic clock. */
  now: () => number;
  /** Called when a connection is refused for lack of a place, at most once a minute. */
  onFull: () => void;
}

/**
 * Connections with and without the token; until a request with it arrives, a connection is a stranger's. Strangers are closed oldest first:
 * for others of their address if they hold half of all places, and for any new connection if no place is free.
 */
export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #kept = new Set<Socket>();
  /** Strangers of each address, oldest first. */
  readonly #strangersOf = new Map<string, Set<Socket>>();
  /** Address of each stranger, oldest first. */
  readonly #strangers = new Map<Socket, string>();
  /** Oldest first. */
  readonly #forProbes = new Set<Socket>();
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
  }

  /** Does nothing for a known connection. */
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

  /** Returns true if the connection holds only a place for probes. It takes another place as soon as one is free. */
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

  /** Keeps a connection that carried the token until one of its ends closes it. */
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

  /** Ends the first of these connections, if any. */
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

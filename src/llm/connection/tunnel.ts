import { connect, isIP, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type SecureContext } from "node:tls";
import { type HttpProxy, hostOf, portOf } from "./proxy.js";

/** Limit of a proxy's answer to CONNECT, which is short. */
const maxAnswerBytes = 16 * 1024;

export class ProxyError extends Error {
  readonly code = "EPROXY";

  constructor(
    message: string,
    /** Status of the proxy's answer to CONNECT. Undefined if there was no answer, 0 if the answer was not HTTP. */
    readonly status?: number,
  ) {
    super(message);
  }
}

/**
 * A connection to `target` (`host:port`) through a proxy's CONNECT. The tunnel accepts writes before the proxy has answered, so the agent
 * gets the tunnel at once. This matters because the agent counts only connections that it has got: if the agent had to wait for the proxy,
 * it would open more than `max_connections`.
 */
export class Tunnel extends Duplex {
  readonly #socket: Socket;
  readonly #proxy: HttpProxy;
  #answer = Buffer.alloc(0);
  #isOpen = false;
  #writeWhenOpen: (() => void) | undefined;

  constructor(proxy: HttpProxy, target: string, secureContext: SecureContext | undefined) {
    super();
    this.#proxy = proxy;
    const address = { host: hostOf(proxy.url), port: portOf(proxy.url) };
    const isSecure = proxy.url.protocol === "https:";
    const servername = isIP(address.host) ? "" : address.host;
    this.#socket = isSecure ? connectTls({ ...address, servername, secureContext }) : connect(address);
    const authorization = proxy.authorization ? `Proxy-Authorization: ${proxy.authorization}\r\n` : "";
    this.#socket
      .setNoDelay(true)
      .on("data", (chunk: Buffer) => this.#receive(chunk))
      .once("end", () => (this.#isOpen ? this.push(null) : this.#fail("closed the connection instead of answering")))
      .once("error", (error) => (this.#isOpen ? this.destroy(error) : this.#fail(error.message)))
      .once("close", () => this.destroy())
      .write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#isOpen) this.#socket.write(chunk, callback);
    else this.#writeWhenOpen = () => this.#socket.write(chunk, callback);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  #receive(chunk: Buffer): void {
    if (!this.#isOpen) this.#open(chunk);
    else if (!this.push(chunk)) this.#socket.pause();
  }

  #open(chunk: Buffer): void {
    this.#answer = Buffer.concat([this.#answer, chunk]);
    const end = this.#answer.indexOf("\r\n\r\n");
    if (end < 0) {
      if (this.#answer.length > maxAnswerBytes) this.#fail("does not speak HTTP", 0);
      return;
    }
    const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(this.#answer.toString("latin1", 0, end))?.[1] ?? 0);
    if (status < 200 || status > 299) {
      this.#fail(status ? `answered ${status}` : "does not speak HTTP", status);
      return;
    }
    this.#isOpen = true;
    const first = this.#answer.subarray(end + 4);
    if (first.length > 0) this.push(first);
    this.#writeWhenOpen?.();
  }

  #fail(what: string, status?: number): void {
    this.destroy(new ProxyError(`the proxy ${this.#proxy.name} ${what}`, status));
  }
}

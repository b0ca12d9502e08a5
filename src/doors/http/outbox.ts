import type { WebSocket } from "ws";
import { Slots } from "../protocol/back-pressure.js";

/** Maximum number of bytes that wait in a socket. Above this number, the next message waits until the client has read the messages before. */
const bufferedBytes = 1024 * 1024;

/** Time that a client has to read why its socket is closed, in ms. */
const reasonMs = 1_000;

/** Limits, in characters, of the messages that clients have not read. */
interface UnreadLimits {
  /** A client that has more than this gets no further message. So a single message may be larger. */
  ofClient: number;
  ofAll: number;
}

const mostUnread: UnreadLimits = { ofClient: 64 * 1024 * 1024, ofAll: 256 * 1024 * 1024 };

/** The outboxes of all sockets. If their clients read too slowly, it closes the socket with the most unread characters. */
export class Outboxes {
  readonly limits: UnreadLimits;
  readonly #open = new Set<Outbox>();

  constructor(limits = mostUnread) {
    this.limits = limits;
  }

  open(webSocket: WebSocket): Outbox {
    const outbox = new Outbox(webSocket, this);
    this.#open.add(outbox);
    webSocket.on("close", () => this.#open.delete(outbox));
    return outbox;
  }

  /** Closes the socket with the most unread characters if all sockets together have more than the limit. */
  makeRoom(): void {
    const outboxes = [...this.#open].filter(({ isOpen }) => isOpen);
    if (outboxes.reduce((sum, { unread }) => sum + unread, 0) <= this.limits.ofAll) return;
    outboxes.sort((one, other) => other.unread - one.unread)[0]?.close();
  }
}

/** The messages to one client. Each is written when the client has read nearly all messages before it. */
export class Outbox {
  readonly #webSocket: WebSocket;
  readonly #all: Outboxes;
  readonly #order = new Slots(1);
  #unread = 0;
  /** Ends the wait for the message that is being written. */
  #endWrite = () => {};

  constructor(webSocket: WebSocket, all: Outboxes) {
    this.#webSocket = webSocket;
    this.#all = all;
  }

  /** Number of characters of the messages that wait, without the last ones, which fit into the socket's buffer. */
  get unread(): number {
    return this.#unread;
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** Sends a message. Resolves when the next message may be sent, or at once if the socket is closed. */
  async send(text: string): Promise<void> {
    if (!this.isOpen) return;
    if (this.#unread > this.#all.limits.ofClient) return this.close();
    this.#unread += text.length;
    if (this.#unread > bufferedBytes) this.#all.makeRoom();
    await this.#order.run(() => this.#write(text));
  }

  /** Closes the socket because its client reads too slowly. Messages that wait are dropped. */
  close(): void {
    closeSoon(this.#webSocket, 1013, "too many unread messages: read faster, then continue with the action history");
    this.#endWrite();
  }

  #write(text: string): Promise<void> {
    const written = new Promise<void>((resolve) => {
      this.#endWrite = resolve;
      if (!this.isOpen) return resolve();
      this.#webSocket.send(text, () => resolve());
      if (this.#webSocket.bufferedAmount <= bufferedBytes) resolve();
    });
    return written.then(() => {
      this.#unread -= text.length;
    });
  }
}

/** Closes a socket, even if its client does not answer. The client has a second to read the reason. */
export function closeSoon(webSocket: WebSocket, code: number, reason: string): void {
  webSocket.close(code, reason);
  setTimeout(() => webSocket.terminate(), reasonMs).unref();
}

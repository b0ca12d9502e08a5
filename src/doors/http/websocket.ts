/**
 * The message protocol over WebSockets. It is the protocol of stdio, with one message per frame. Turns continue when the socket is
 * disconnected.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import type { ArrivingMessages } from "../../core/async/arriving-messages.js";
import { ProtocolClient } from "../protocol/protocol-client.js";
import type { DoorParts } from "../shared/door.js";
import type { Connections } from "./admission/connections.js";
import type { Gate, RequestRefusal } from "./admission/gate.js";
import type { RateLimit } from "./admission/rate-limit.js";
import { callerAddress } from "./admission/rate-limit.js";
import { limitMessage } from "./inbox.js";
import { type Outbox, Outboxes } from "./outbox.js";
import { errorBody } from "./shared/api-errors.js";
import { offersWebSocket, onUpgrade, withoutUpgrade } from "./upgrades.js";

interface SocketOptions {
  gate: Gate;
  connections: Connections;
  rate: RateLimit;
  maxBytes: number;
  uploads: ArrivingMessages;
  /** Time in which a message must arrive, in ms. */
  messageMs: number;
  /** Interval between pings, in ms. A socket is closed if it has not answered the last ping. */
  pingMs: number;
}

/** Time that a refused client has to read the reason, in ms. */
const refusalMs = 1_000;

/**
 * Least size of the frames of a large message, in bytes; some clients send 4 KB in each. `ws` keeps every frame until the message is whole,
 * and a frame of a byte takes some 120 bytes. So a message may have only as many frames as the largest message needs.
 */
const frameBytes = 4096;

interface SocketsDoor {
  /** Closes the sockets whose browser has signed out. */
  endSignedOut(): void;
  /** Closes all sockets. */
  end(): void;
}

/** Accepts WebSockets at `/ws/chat`. */
export function acceptSockets(server: Server, parts: DoorParts, options: SocketOptions): SocketsDoor {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxBytes,
    maxFragments: Math.ceil(options.maxBytes / frameBytes),
    perMessageDeflate: false,
  });
  const outboxes = new Outboxes();
  /** Sockets that have not answered the last ping. */
  const silent = new WeakSet<WebSocket>();
  const requests = new WeakMap<WebSocket, IncomingMessage>();
  onUpgrade(server, (incoming, socket, head) => {
    if (!offersWebSocket(incoming)) return withoutUpgrade(server, incoming, socket, head);
    socket.on("error", () => socket.destroy());
    const refusal = refusalOf(incoming, options);
    if (refusal) return refuse(socket, refusal);
    sockets.handleUpgrade(incoming, socket, head, (webSocket) => {
      requests.set(webSocket, incoming);
      webSocket.on("pong", () => silent.delete(webSocket));
      limitMessage(webSocket, socket, options);
      converse(webSocket, outboxes.open(webSocket), parts, callerAddress(incoming.socket), options);
    });
  });
  const endSignedOut = () => {
    for (const webSocket of sockets.clients) {
      const incoming = requests.get(webSocket);
      if (incoming && !options.gate.isAuthorized(visitOf(incoming))) webSocket.close(1008, "signed out");
    }
  };
  const timer = setInterval(() => {
    endSignedOut(); // another host may have ended the sign-in, or its time is over
    for (const webSocket of sockets.clients) {
      if (silent.has(webSocket)) webSocket.terminate();
      silent.add(webSocket);
      webSocket.ping();
    }
  }, options.pingMs);
  return {
    endSignedOut,
    end() {
      clearInterval(timer);
      for (const webSocket of sockets.clients) webSocket.close(1001, "the host ends");
    },
  };
}

function converse(
  webSocket: WebSocket,
  outbox: Outbox,
  parts: DoorParts,
  address: string,
  { rate }: SocketOptions,
): void {
  const peer = new ProtocolClient(parts, (message) => outbox.send(JSON.stringify(message)));
  webSocket.on("error", () => {}); // the close code tells the client about the error
  webSocket.on("close", () => peer.endFollowings());
  webSocket.on("message", (data: RawData, isBinary: boolean) => {
    if (rate.take(address) !== undefined) peer.reject("more messages than serve.requests_per_minute");
    else if (isBinary) peer.reject("a message is a text frame");
    else peer.receive(data.toString());
    if (peer.hasRoom || webSocket.isPaused) return;
    webSocket.pause();
    void peer.room().then(() => webSocket.resume());
  });
}

function refusalOf(
  incoming: IncomingMessage,
  { gate, connections }: SocketOptions,
): (Omit<RequestRefusal, "status"> & { status: number }) | undefined {
  if (incoming.url?.split("?")[0] !== "/ws/chat") {
    return { status: 404, code: "not_found", message: "the WebSocket is at /ws/chat", headers: {} };
  }
  return gate.check({ method: "GET", ...visitOf(incoming), ...connections.visit(incoming.socket) });
}

function visitOf({ url = "", headers }: IncomingMessage): { url: string; header(name: string): string | undefined } {
  return {
    url,
    header: (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  };
}

function refuse(socket: Duplex, { status, code, message, headers }: ReturnType<typeof refusalOf> & object): void {
  const body = JSON.stringify(errorBody({ status, code, message }));
  const lines = Object.entries({
    ...headers,
    connection: "close",
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  setTimeout(() => socket.destroy(), refusalMs).unref();
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join("")}\r\n${body}`);
}

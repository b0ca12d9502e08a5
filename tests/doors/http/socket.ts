import { once } from "node:events";
import { createServer } from "node:http";
import type { createConnection } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { WebSocket } from "ws";
import { ArrivingMessages } from "../../../src/core/async/arriving-messages.js";
import { Connections } from "../../../src/doors/http/admission/connections.js";
import { Gate } from "../../../src/doors/http/admission/gate.js";
import { RateLimit } from "../../../src/doors/http/admission/rate-limit.js";
import { acceptSockets } from "../../../src/doors/http/websocket.js";
import type { App } from "../../../src/index.js";
import { type Message, readMessage } from "../../support/wire-messages.js";
import { doorParts } from "../support.js";

export interface Socket extends AsyncDisposable {
  socket: WebSocket;
  messages: Message[];
  send(message: unknown): void;
  /** Resolves to the first message for which `holds` is true, after the message that the last call returned. One caller at a time. */
  until(holds: (message: Message) => boolean): Promise<Message>;
}

export function connect(
  door: { url: string },
  headers: Record<string, string> = {},
  protocols: string[] = [],
): Promise<Socket> {
  return opened(new WebSocket(`${door.url.replace("http", "ws")}/ws/chat`, protocols, { headers }));
}

/**
 * Opens the WebSocket door of this app without a network. Messages that a client does not read stay in the host; a kernel would buffer
 * megabytes of them, how many depends on the machine.
 */
export function openWires(app: App): { connect(): Promise<Socket> } & Disposable {
  const server = createServer();
  const rate = new RateLimit(1_000_000, () => 0);
  const names = { allowedHosts: [], allowedOrigins: [] };
  const gate = new Gate({
    ...{ token: undefined, isOnlyLocal: true, ...names, rate, strangersRate: rate },
    isDraining: () => false,
  });
  const connections = new Connections({ most: 1_000, now: () => 0, onFull: () => {} });
  const sockets = acceptSockets(server, doorParts(app), {
    gate,
    connections,
    rate,
    maxBytes: 1_000_000,
    uploads: new ArrivingMessages(),
    messageMs: 60_000,
    pingMs: 60_000,
  });
  const ends: Duplex[] = [];
  return {
    connect() {
      const [near, far] = duplexPair();
      ends.push(far);
      server.emit("connection", far);
      const onWire = (() => near) as unknown as typeof createConnection;
      return opened(new WebSocket("ws://localhost/ws/chat", { createConnection: onWire }));
    },
    [Symbol.dispose]() {
      sockets.end();
      // An end of a pair does not notice that the other one is gone.
      for (const end of ends) end.destroy();
    },
  };
}

async function opened(socket: WebSocket): Promise<Socket> {
  const messages: Message[] = [];
  let changed = () => {};
  socket.on("message", (data) => {
    messages.push(readMessage(data.toString()));
    changed();
  });
  await once(socket, "open");
  let seen = 0;
  return {
    socket,
    messages,
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    async until(holds) {
      for (;;) {
        for (let message = messages[seen++]; message; message = messages[seen++]) if (holds(message)) return message;
        seen--;
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
    },
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}

/** Returns the HTTP status of the response to the upgrade. */
export async function refusedStatus(url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const socket = new WebSocket(url, { headers });
  socket.on("error", () => {});
  const [, response] = await once(socket, "unexpected-response");
  socket.terminate();
  return response.statusCode;
}

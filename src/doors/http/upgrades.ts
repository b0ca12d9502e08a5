/**
 * Handles requests that offer to switch to another protocol. Node detaches the connection of such a request from its HTTP parser, even if
 * earlier requests of the connection are still being answered.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

const nodeMajor = Number(process.versions.node.split(".")[0]);

/**
 * Options for `createServer`. From Node 26 on, `withoutUpgrade` cannot be used: Node has read the body too. So Node is told to detach only
 * WebSockets. It then drops what a client sends in the same packet after a request with an offer, so earlier versions are not told.
 */
export const upgradeOptions = nodeMajor >= 26 ? { shouldUpgradeCallback: offersWebSocket } : {};

export function offersWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Calls `take` for each request that offers another protocol. Waits until all earlier requests of the same connection have been answered.
 */
export function onUpgrade(
  server: Server,
  take: (incoming: IncomingMessage, socket: Socket, rest: Buffer) => void,
): void {
  /** Last answer of each connection. Answers are sent in the order of their requests, so the last answer ends after all others. */
  const lastAnswers = new WeakMap<Socket, ServerResponse>();
  server.on("request", ({ socket }: IncomingMessage, answer: ServerResponse) => lastAnswers.set(socket, answer));
  server.on("upgrade", (incoming: IncomingMessage, socket: Socket, rest: Buffer) => {
    const answer = lastAnswers.get(socket);
    if (!answer || answer.destroyed) return take(incoming, socket, rest);
    const end = () => socket.destroy();
    socket.on("error", end);
    answer.once("close", () => {
      socket.off("error", end);
      if (!socket.destroyed) take(incoming, socket, rest);
    });
  });
}

/**
 * Answers a request as if it did not offer another protocol. HTTP allows this, and Java's client offers HTTP/2 (`h2c`) in every request.
 * Node before 26 has read only the head of the request. So the head is put back without the offer, and Node parses the connection anew.
 */
export function withoutUpgrade(server: Server, incoming: IncomingMessage, socket: Socket, rest: Buffer): void {
  const { method, url, httpVersion, rawHeaders, headers } = incoming;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (!/^(?:connection|upgrade|http2-settings)$/i.test(name)) lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  if (/\bclose\b/i.test(headers.connection ?? "")) lines.push("connection: close");
  socket.setTimeout(0); // removes the timeout that Node has set for idle connections
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), rest]));
  server.emit("connection", socket);
}

/** Handles pipelined requests: a client may send requests on a connection before it has the answers of earlier ones. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * When a connection closes, ends the answers that wait behind an earlier answer of the connection. Node emits "close" only for the answer
 * that is being written. Without this function, the calls whose answers wait would continue although nobody reads the answers, and waiting
 * streams would never end.
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

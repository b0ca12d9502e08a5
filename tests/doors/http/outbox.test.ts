import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import { WebSocket, WebSocketServer } from "ws";
import { Outboxes } from "../../../src/doors/http/outbox.js";

const megabyte = 1024 * 1024;

/** Opens sockets whose messages go through outboxes with these limits, in megabytes. */
async function openSockets(ofClient: number, ofAll: number) {
  const outboxes = new Outboxes({ ofClient: ofClient * megabyte, ofAll: ofAll * megabyte });
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const clients: WebSocket[] = [];
  return {
    async connect() {
      const accepted = once(server, "connection");
      const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
      clients.push(client);
      const received: string[] = [];
      client.on("message", (data) => received.push(data.toString()[0] ?? ""));
      await once(client, "open");
      const [webSocket] = (await accepted) as [WebSocket];
      return { client, received, outbox: outboxes.open(webSocket), isGone: once(webSocket, "close") };
    },
    [Symbol.dispose]() {
      // A client that reads no more does not notice that the server has closed the connection.
      for (const webSocket of [...server.clients, ...clients]) webSocket.terminate();
      server.close();
    },
  };
}

const messageOf = (first: number | string) => String(first).padEnd(megabyte, ".");

test("a client that does not read is closed with the reason, and its messages are dropped", async () => {
  using sockets = await openSockets(3, 100);
  const { client, received, outbox, isGone } = await sockets.connect();
  client.pause();
  const sent = Array.from({ length: 9 }, (_, index) => outbox.send(messageOf(index)));
  expect(outbox.isOpen).toBe(false);
  expect(outbox.unread).toBe(4 * megabyte);
  client.resume();
  const [code, reason] = await once(client, "close");
  expect([code, String(reason)]).toEqual([1013, expect.stringContaining("read faster")]);
  expect(received.length).toBeLessThan(4);
  await Promise.all([...sent, isGone]);
  expect(outbox.unread).toBe(0);
});

test("a client that reads gets every message in order, however many there are", async () => {
  using sockets = await openSockets(3, 3);
  const { client, received, outbox } = await sockets.connect();
  for (let index = 0; index < 20; index++) await outbox.send(messageOf(index % 10));
  await outbox.send("end");
  expect(outbox.isOpen).toBe(true);
  while (!received.includes("e")) await once(client, "message");
  expect(received.join("")).toBe("01234567890123456789e");
});

test("if all clients together read too slowly, the one with the most unread messages is closed", async () => {
  using sockets = await openSockets(100, 6);
  const [slow, other] = [await sockets.connect(), await sockets.connect()];
  slow.client.pause();
  const toSlow = Array.from({ length: 6 }, (_, index) => slow.outbox.send(messageOf(index)));
  const toOther = [0, 1, 2].map((index) => other.outbox.send(messageOf(index)));
  expect([slow.outbox.isOpen, other.outbox.isOpen]).toEqual([false, true]);
  await Promise.all([...toOther, ...toSlow, slow.isGone]);
});

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Number of open connections. */
  readonly open: number;
  /** Resets every open connection. New connections are accepted. */
  reset(): void;
  /** Stops all bytes in both directions until `thaw`. Connections stay open, and new ones are accepted. */
  freeze(): void;
  thaw(): void;
  /** Drops what the server sends on open connections; the server still receives everything. Later connections are normal. */
  mute(): void;
  /** Resets every connection, also new ones, until `accept`. */
  refuse(): void;
  accept(): void;
}

/** Starts a TCP proxy in front of a port on loopback, for faults of networks that affect long-lived connections. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const pairs = new Set<[Socket, Socket]>();
  let isFrozen = false;
  let refuses = false;

  const server = createServer((client) => {
    client.on("error", () => {});
    if (refuses) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(port, "127.0.0.1").on("error", () => client.destroy());
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    for (const socket of pair) socket.setNoDelay(true);
    client.on("data", (chunk) => upstream.write(chunk)).once("close", () => upstream.destroy());
    upstream.on("data", (chunk) => client.write(chunk)).once("close", () => client.destroy());
    client.once("close", () => pairs.delete(pair));
    if (isFrozen) for (const socket of pair) socket.pause();
  });
  const reset = () => {
    for (const [client] of pairs) client.resetAndDestroy();
  };

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return pairs.size;
    },
    reset,
    freeze() {
      isFrozen = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    thaw() {
      isFrozen = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    refuse() {
      refuses = true;
      reset();
    },
    accept() {
      refuses = false;
    },
    mute() {
      for (const [, upstream] of pairs) upstream.removeAllListeners("data").resume();
    },
    async [Symbol.asyncDispose]() {
      reset();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

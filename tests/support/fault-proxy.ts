import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A fault of one connection. Bytes are counted from the server's first byte. */
export interface Fault {
  /** The server cannot be reached: the connection is reset at once (`refuse`), or bytes are dropped (`black hole`). */
  connect?: "refuse" | "black hole";
  /** Delay of each piece of the answer, in ms. */
  latencyMs?: number;
  /** Size of the writes in which the answer arrives. */
  sliceBytes?: number;
  /** After so many bytes of the answer: FIN, RST, or silence on an open connection. */
  finAfter?: number;
  resetAfter?: number;
  freezeAfter?: number;
}

export interface FaultProxy extends AsyncDisposable {
  /** URL of the server through the proxy. */
  url: string;
  readonly connections: number;
  readonly openSockets: number;
  /** Number of connections that the client closed first. */
  readonly aborts: number;
  /** Bytes that the server sent on each connection, delivered or not. */
  answers: Buffer[];
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
}

/** Starts a TCP proxy in front of a server. `faults` apply to its connections in order; later connections have no fault. */
export async function startFaultProxy(serverUrl: string, faults: readonly Fault[]): Promise<FaultProxy> {
  const { hostname, port, pathname } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const idle: (() => void)[] = [];
  const answers: Buffer[] = [];
  let connections = 0;
  let aborts = 0;

  const server = createServer((client) => {
    const number = connections++;
    const fault = faults[number] ?? {};
    answers[number] = Buffer.alloc(0);
    sockets.add(client);
    client.setNoDelay(true).on("error", () => {});
    client.once("close", () => {
      sockets.delete(client);
      if (sockets.size === 0) for (const resolve of idle.splice(0)) resolve();
    });
    if (fault.connect === "refuse") client.resetAndDestroy();
    else if (fault.connect === "black hole") client.resume().once("close", () => aborts++);
    else relay(client, number, fault);
  });

  function relay(client: Socket, number: number, fault: Fault): void {
    const upstream = connect(Number(port), hostname);
    let ended = false;
    /** Runs the actions one after the other, each with the delay of the connection. */
    let queue = Promise.resolve();
    const then = (act: () => void) => {
      const due = fault.latencyMs ? performance.now() + fault.latencyMs : 0;
      queue = queue.then(() => wait(due - performance.now())).then(act);
    };
    const end = (act: () => void) => {
      ended = true;
      upstream.destroy();
      then(act);
    };
    const limit = Math.min(...[fault.finAfter, fault.resetAfter, fault.freezeAfter].map((bytes) => bytes ?? Infinity));
    let bytes = 0;
    const receive = (chunk: Buffer) => {
      answers[number] = Buffer.concat([answers[number] ?? chunk, chunk]);
      const passed = chunk.subarray(0, Math.max(0, limit - bytes));
      bytes += passed.length;
      const size = fault.sliceBytes ?? (passed.length || 1);
      for (let from = 0; from < passed.length; from += size) {
        const slice = passed.subarray(from, from + size);
        then(() => client.destroyed || client.write(slice));
        if (fault.sliceBytes) queue = queue.then(() => new Promise((resolve) => setImmediate(resolve)));
      }
      if (bytes < limit || ended) return;
      if (fault.finAfter !== undefined) end(() => client.end());
      else if (fault.resetAfter !== undefined) end(() => client.resetAndDestroy());
      else end(() => {});
    };
    upstream.setNoDelay(true).on("error", () => client.destroy());
    upstream.on("data", receive).once("end", () => ended || end(() => client.end()));
    client.on("data", (chunk) => upstream.destroyed || upstream.write(chunk));
    client.once("close", () => {
      if (!ended && !upstream.destroyed) aborts++;
      upstream.destroy();
    });
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    get connections() {
      return connections;
    },
    get openSockets() {
      return sockets.size;
    },
    get aborts() {
      return aborts;
    },
    answers,
    idle: () => new Promise((resolve) => (sockets.size === 0 ? resolve() : idle.push(resolve))),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function wait(milliseconds: number): Promise<void> | undefined {
  return milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : undefined;
}

import { EventEmitter, once } from "node:events";
import { connect as connectTo, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { Observation } from "../../../src/core/ports.js";
import { Connections } from "../../../src/doors/http/admission/connections.js";
import { callerAddress } from "../../../src/doors/http/admission/rate-limit.js";
import { startApp } from "../../support/app.js";
import { startLlmServer } from "../../support/llm-server.js";
import { openDoor } from "./door.js";
import { connect } from "./socket.js";

const token = "correct-horse-battery";
const withToken = { headers: { authorization: `Bearer ${token}` } };

/** Opens a connection and sends nothing on it. */
async function silentSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connectTo(Number(port), hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

describe("the connections of a door with a small limit", () => {
  test("go from silent clients to callers with the token", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { token, maxConnections: 4 });
    await using kept = await connect(door, withToken.headers);
    const silent = await Promise.all(Array.from({ length: 12 }, () => silentSocket(door.url)));
    const answered = await fetch(`${door.url}/v1/models`, withToken);
    expect(answered.status).toBe(200);
    await answered.text();
    kept.send({ action: "ping", request_id: "p" });
    await kept.until(({ chunk: { type } }) => type === "pong");
    for (const socket of silent) socket.destroy();
  });

  test("let probes through when all are taken; other requests are refused, and the log says it once", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const logged: Observation[] = [];
    const observe = (event: Observation) => void logged.push(event);
    await using door = await openDoor(app, { token, maxConnections: 2, observe });
    const first = await connect(door, withToken.headers);
    await using _second = await connect(door, withToken.headers);
    const status = async (path: string) => {
      const response = await fetch(`${door.url}${path}`, { headers: { ...withToken.headers, connection: "close" } });
      return [response.status, await response.text()];
    };
    expect(await status("/healthz")).toEqual([200, '{"status":"ok"}']);
    expect(await status("/readyz")).toEqual([200, '{"status":"ready"}']);
    for (let times = 0; times < 2; times++) {
      expect(await status("/v1/models")).toEqual([503, expect.stringContaining("too_many_connections")]);
    }
    const ofDoor = logged.filter(({ scope }) => scope === "serve");
    expect(ofDoor).toEqual([
      { level: "warn", scope: "serve", message: expect.stringContaining("all 2 connections of serve.max_connections") },
    ]);
    await first[Symbol.asyncDispose]();
    while ((await status("/v1/models"))[0] !== 200);
  });

  test("are closed if their headers do not come", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { token, requestTimeoutMs: 1 });
    const silent = await silentSocket(door.url);
    const slow = await silentSocket(door.url);
    slow.write("GET /healthz HTTP/1.1\r\nhost: ");
    await Promise.all([silent, slow].map((socket) => once(socket.resume(), "close")));
  });
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::1", "0:0:0:0::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["1::2:3:4:5:6:7", "1:0:2:3::/64"],
  ["fe80::1:2%eth0", "fe80:0:0:0::/64"],
  [undefined, ""],
])("limits of the caller at %s go by %s", (remoteAddress, address) => {
  expect(callerAddress({ remoteAddress })).toBe(address);
});

describe("the limited connections of a door", () => {
  function socketOf(remoteAddress: string): Socket & { isEnded: boolean } {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress,
      isEnded: false,
      destroy() {
        socket.isEnded = true;
        queueMicrotask(() => socket.emit("close"));
      },
    });
    return socket as unknown as Socket & { isEnded: boolean };
  }

  test("may all belong to one client, which opens them before it sends its first request", () => {
    const connections = new Connections({ most: 4, now: () => 0, onFull: () => {} });
    const all = Array.from({ length: 4 }, () => socketOf("192.0.2.1"));
    for (const socket of all) connections.add(socket);
    expect(all.map(({ isEnded }) => isEnded)).toEqual([false, false, false, false]);
  });

  test("are taken from the address that has most of them, if all are taken, unless it has sent the token", () => {
    const connections = new Connections({ most: 4, now: () => 0, onFull: () => {} });
    const other = socketOf("192.0.2.2");
    connections.add(other);
    const known = socketOf("192.0.2.1");
    connections.add(known);
    connections.visit(known).keep();
    const many = Array.from({ length: 5 }, () => socketOf("192.0.2.1"));
    for (const socket of many) connections.add(socket);
    expect(many.map(({ isEnded }) => isEnded)).toEqual([true, true, true, false, false]);
    expect([other.isEnded, known.isEnded]).toEqual([false, false]);
  });

  test("are taken from the network that has most of them, if one caller has all its addresses", () => {
    const connections = new Connections({ most: 4, now: () => 0, onFull: () => {} });
    const other = socketOf("2001:db8:0:2::1");
    connections.add(other);
    const many = Array.from({ length: 5 }, (_, at) => socketOf(`2001:db8:0:1::${at}`));
    for (const socket of many) connections.add(socket);
    expect(many.map(({ isEnded }) => isEnded)).toEqual([true, true, false, false, false]);
    expect(other.isEnded).toBe(false);
  });

  test("stay with callers that have few when another address has many", () => {
    const connections = new Connections({ most: 4, now: () => 0, onFull: () => {} });
    const [first, second] = [socketOf("192.0.2.2"), socketOf("192.0.2.3")];
    const many = Array.from({ length: 3 }, () => socketOf("192.0.2.1"));
    for (const socket of [first, ...many, second]) connections.add(socket);
    expect([first, second, ...many].map(({ isEnded }) => isEnded)).toEqual([false, false, true, false, false]);
  });

  test("for probes are few, and one becomes an ordinary connection when there is room", async () => {
    let full = 0;
    let now = 0;
    const connections = new Connections({ most: 1, now: () => now, onFull: () => void full++ });
    const kept = socketOf("192.0.2.1");
    connections.add(kept);
    connections.visit(kept).keep();
    const more = Array.from({ length: 17 }, () => socketOf("192.0.2.2"));
    for (const socket of more) connections.add(socket);
    expect(more.map(({ isEnded }) => isEnded)).toEqual([true, ...Array(16).fill(false)]);
    const last = more.at(-1) as Socket;
    expect([connections.visit(last).isForProbes, connections.visit(last).isForProbes, full]).toEqual([true, true, 1]);
    now = 60_000;
    expect([connections.visit(last).isForProbes, full]).toEqual([true, 2]);
    kept.destroy();
    await once(kept, "close");
    expect(connections.visit(last).isForProbes).toBe(false);
    connections.visit(last).keep();
    expect(connections.visit(more[1] as Socket).isForProbes).toBe(true);
  });
});

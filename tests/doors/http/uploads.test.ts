import { once } from "node:events";
import { connect as openTcp } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import { ArrivingMessages } from "../../../src/core/async/arriving-messages.js";
import { startApp } from "../../support/app.js";
import { startLlmServer } from "../../support/llm-server.js";
import { openDoor } from "./door.js";
import { connect } from "./socket.js";

const kilobyte = 1024;

/** Opens a door whose uploads may have this many kilobytes together. */
async function doorFor(kilobytes: number, options: Parameters<typeof openDoor>[1] = {}) {
  const llm = await startLlmServer([]);
  const app = await startApp({ llm: llm.url });
  const door = await openDoor(app, { uploads: new ArrivingMessages(kilobytes * kilobyte), ...options });
  return {
    url: door.url,
    async [Symbol.asyncDispose]() {
      door.close();
      await app[Symbol.asyncDispose]();
      await llm[Symbol.asyncDispose]();
    },
  };
}

/** Sends a request, but not the last byte of its body. */
function halfRequest(url: string, path: string, kilobytes: number) {
  const { host, port } = new URL(url);
  const body = "[".padEnd(kilobytes * kilobyte);
  const head = ["content-type: application/json", `content-length: ${body.length + 1}`, "connection: close"];
  const socket = openTcp(Number(port), "127.0.0.1");
  socket.write(`POST ${path} HTTP/1.1\r\nhost: ${host}\r\n${head.join("\r\n")}\r\n\r\n${body}`);
  const answer = text(socket).then((whole) => whole.toLowerCase());
  return { answer, finish: () => socket.write("]"), [Symbol.dispose]: () => void socket.destroy() };
}

describe("if too much arrives on all connections together, the largest is refused, and the others are read:", () => {
  test.each([
    ["/v1/chat/completions", 503, "server_is_overloaded"],
    ["/v1/messages", 529, "overloaded_error"],
    ["/mcp", 503, "server_is_overloaded"],
  ])("bodies of %s", async (path, status, code) => {
    await using door = await doorFor(1_000);
    using large = halfRequest(door.url, path, 600);
    using small = halfRequest(door.url, "/v1/chat/completions", 500);
    const refusal = await large.answer;
    expect(refusal).toContain(`http/1.1 ${status} `);
    expect(refusal).toContain("retry-after: 5\r\n");
    expect(refusal).toContain(code);
    small.finish();
    expect(await small.answer).toContain("http/1.1 400 ");
  });

  test("messages of WebSockets", async () => {
    await using door = await doorFor(1_000);
    await using large = await connect(door);
    const closed = once(large.socket, "close");
    large.socket.send("x".repeat(600 * kilobyte), { fin: false });
    using small = halfRequest(door.url, "/v1/chat/completions", 500);
    const [closeCode, reason] = await closed;
    expect([closeCode, String(reason)]).toEqual([1013, expect.stringContaining("too many large messages")]);
    small.finish();
    expect(await small.answer).toContain("http/1.1 400 ");
  });
});

test("a body that has arrived whole does not count any more", async () => {
  await using door = await doorFor(1_000);
  await using socket = await connect(door);
  for (let times = 0; times < 5; times++) {
    using request = halfRequest(door.url, "/v1/chat/completions", 400);
    request.finish();
    expect(await request.answer).toContain("http/1.1 400 ");
    socket.send({ action: "ping", request_id: String(times), padding: "x".repeat(400 * kilobyte) });
    await socket.until(({ request_id }) => request_id === String(times));
  }
  expect(socket.socket.readyState).toBe(socket.socket.OPEN);
});

test("pings do not count as messages, also between the parts of one", async () => {
  await using door = await doorFor(10);
  await using socket = await connect(door);
  const ping = async () => {
    const ponged = once(socket.socket, "pong");
    socket.socket.ping("x".repeat(125));
    await ponged;
  };
  for (let times = 0; times < 100; times++) await ping();
  const closed = once(socket.socket, "close");
  for (let parts = 0; parts < 2; parts++) {
    expect(socket.socket.readyState).toBe(socket.socket.OPEN);
    socket.socket.send("x".repeat(6 * kilobyte), { fin: false });
    if (parts === 0) await ping();
  }
  expect((await closed)[0]).toBe(1013);
});

test("a WebSocket is closed if a message has not arrived whole within its time", async () => {
  await using door = await doorFor(1_000, { requestTimeoutMs: 300 });
  await using socket = await connect(door);
  const closed = once(socket.socket, "close");
  socket.socket.send("{", { fin: false });
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([1008, "a message has to arrive within 300 ms"]);
});

test("a piece counts as the memory that it takes, however short it is", () => {
  const uploads = new ArrivingMessages(100 * kilobyte);
  const refused: string[] = [];
  const upload = uploads.begin(() => refused.push("of single bytes"));
  for (let bytes = 0; bytes < kilobyte; bytes++) uploads.add(upload, 1);
  expect(refused).toEqual(["of single bytes"]);
});

/** Sends a request whose body comes in these chunks. `isWhole`: sends the end of the body, too. */
function chunkedRequest(url: string, path: string, chunks: readonly string[], isWhole: boolean) {
  const { host, port } = new URL(url);
  const socket = openTcp(Number(port), "127.0.0.1");
  const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
  const head = ["content-type: application/json", "transfer-encoding: chunked"];
  const sent = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\n${head.join("\r\n")}\r\n\r\n${body}`;
  socket.write(isWhole ? `${sent}0\r\n\r\n` : sent);
  return socket;
}

describe("a body in chunks", () => {
  test("of a request that is refused is not read: the connection closes", async () => {
    await using door = await doorFor(1_000);
    const answered = text(chunkedRequest(door.url, "/nowhere", ["[", "1,"], false));
    expect((await answered).toLowerCase()).toMatch(/^http\/1.1 404 .*\r\nconnection: close\r\n/s);
  });

  test("of a request that is refused may be sent on for a moment: the client gets the response, not a reset", async () => {
    await using door = await doorFor(1_000);
    const socket = chunkedRequest(door.url, "/nowhere", ["["], false);
    socket.pause();
    for (let times = 0; times < 2; times++) {
      await fetch(`${door.url}/healthz`); // answered after the first request, whose connection has ended if it ends at once
      await new Promise<void>((sent, failed) =>
        socket.write("1\r\n \r\n", (error) => (error ? failed(error) : sent())),
      );
    }
    expect(await text(socket)).toContain("there is no such route");
  });

  test("leaves the connection open when it was read to its end", async () => {
    await using door = await doorFor(1_000);
    const socket = chunkedRequest(door.url, "/v1/chat/completions", ["[", "]"], true);
    const [piece] = await once(socket, "data");
    expect(String(piece).toLowerCase()).toMatch(/^http\/1.1 400 .*\r\nconnection: keep-alive\r\n/s);
    socket.destroy();
  });

  test("of which there are many tiny ones is refused", async () => {
    await using door = await doorFor(100_000);
    const answered = text(chunkedRequest(door.url, "/v1/chat/completions", Array(10_001).fill(" "), false));
    const answer = await answered;
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain("more than 10000 chunks, of less than 256 bytes on average");
  });

  test("of which there are many is read if they are not tiny", async () => {
    await using door = await doorFor(100_000);
    const socket = chunkedRequest(
      door.url,
      "/v1/chat/completions",
      ["[]", ...Array(10_100).fill(" ".repeat(300))],
      true,
    );
    const [piece] = await once(socket, "data");
    expect(String(piece)).toContain("the body must be object");
    socket.destroy();
  });
});

test("a message of a WebSocket may have frames of 4 KB, but not many more frames than the largest message needs", async () => {
  await using door = await doorFor(10_000, { maxBodyMb: 1 });
  await using socket = await connect(door);
  const send = (frames: number, size: number) => {
    const text = JSON.stringify({ action: "ping", request_id: "r" }).padEnd(frames * size);
    for (let at = 0; at < frames; at++) {
      socket.socket.send(text.slice(at * size, (at + 1) * size), { fin: at === frames - 1 });
    }
  };
  send(256, 4 * kilobyte);
  await socket.until(({ request_id }) => request_id === "r");
  const closed = once(socket.socket, "close");
  send(257, 1);
  expect((await closed)[0]).toBe(1008);
});

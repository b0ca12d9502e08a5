import { createServer } from "node:net";

/**
 * Listens for HTTP/1.1 with a hand-written parser and kept-alive connections. With `node:http`, the mock would use more processor time
 * than the clients that are measured against it. Bodies need a content-length. Resolves with the port on loopback.
 */
export function listen(onRequest) {
  const server = createServer((socket) => {
    socket.setNoDelay(true).on("error", () => socket.destroy());
    let received = Buffer.alloc(0);
    socket.on("data", (data) => {
      received = received.length === 0 ? data : Buffer.concat([received, data]);
      for (let request = read(received); request; request = read(received)) {
        received = received.subarray(request.length);
        onRequest(request, socket);
      }
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", 4096, () => resolve(server.address().port)));
}

/** Returns the first complete request in these bytes. */
function read(bytes) {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = bytes.latin1Slice(0, headEnd);
  const length = headEnd + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (bytes.length < length) return undefined;
  const [method, path] = head.slice(0, head.indexOf("\r\n")).split(" ");
  return { method, path, body: bytes.subarray(headEnd + 4, length), length };
}

/** Writes a complete answer. `headers` are lines that end with \r\n. */
export function answer(socket, type, body, { status = "200 OK", headers = "" } = {}) {
  const length = Buffer.byteLength(body);
  socket.write(`HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\n${headers}content-length: ${length}\r\n\r\n${body}`);
}

export const streamHead = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
export const streamEnd = "0\r\n\r\n";

/** Returns one chunk of an answer with chunked transfer encoding. */
export function piece(text) {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

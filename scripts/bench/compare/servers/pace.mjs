import { piece, streamEnd, streamHead } from "./raw-http.mjs";

/**
 * One set of streams for each millisecond of a cycle of 20 ms, so that each stream gets a chunk every 20 ms. New streams are spread evenly.
 */
const slots = Array.from({ length: 20 }, () => new Set());
let begun = 0;
let slot = 0;
let startedAt;
let written = 0;

/** Returns the number of chunks written to all streams so far. */
export function chunksWritten() {
  return written;
}

/** Begins a stream of this many chunks. */
export function begin(socket, wire, chunks) {
  socket.write(streamHead + (wire.begin && piece(wire.begin)));
  const stream = { socket, wire, chunks, sent: 0, said: "" };
  const own = slots[begun++ % slots.length];
  own.add(stream);
  socket.once("close", () => own.delete(stream));
  if (startedAt !== undefined) return;
  startedAt = performance.now();
  setInterval(tick, 1);
}

/** Writes all chunks that are due, including those that a late timer has missed, so that clients get 50 chunks a second. */
function tick() {
  for (const due = performance.now() - startedAt; slot < due; slot++) {
    const own = slots[slot % slots.length];
    for (const stream of own) {
      write(stream);
      if (stream.sent === stream.chunks) own.delete(stream);
    }
  }
}

function write(stream) {
  const [seconds, nanoseconds] = process.hrtime();
  const text = `${seconds * 1e6 + Math.floor(nanoseconds / 1000)} `;
  const { socket, wire, chunks } = stream;
  stream.said += text;
  socket.write(piece(wire.word(text, stream.sent++)));
  written++;
  if (stream.sent === chunks) socket.write(piece(wire.end(stream.said)) + streamEnd);
}

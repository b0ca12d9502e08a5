import { piece, streamEnd, streamHead } from "./raw-http.mjs";

/** Each stream gets a chunk every 20 ms; streams are spread over its milliseconds. */
const slots = Array.from({ length: 20 }, () => new Set());
const head =
  'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m1","choices":[{"index":0,"delta":';
const end = `${piece(`${head}{},"finish_reason":"stop"}]}\n\n`)}${piece("data: [DONE]\n\n")}${streamEnd}`;
let begun = 0;
let slot = 0;
let startedAt;
let written = 0;

/** Chunks of all streams so far. */
export function chunksWritten() {
  return written;
}

/** A stream of this many chunks begins. */
export function begin(socket, chunks) {
  socket.write(streamHead);
  const stream = { socket, left: chunks };
  const own = slots[begun++ % slots.length];
  own.add(stream);
  socket.once("close", () => own.delete(stream));
  if (startedAt !== undefined) return;
  startedAt = performance.now();
  setInterval(tick, 1);
}

/** What a late timer has missed is written as well: 50 chunks a second is what clients are to get. */
function tick() {
  for (const due = performance.now() - startedAt; slot < due; slot++) {
    const own = slots[slot % slots.length];
    for (const stream of own) {
      write(stream);
      if (stream.left === 0) own.delete(stream);
    }
  }
}

function write(stream) {
  const [seconds, nanoseconds] = process.hrtime();
  const now = seconds * 1e6 + Math.floor(nanoseconds / 1000);
  stream.left--;
  written++;
  stream.socket.write(piece(`${head}{"content":"${now} "},"finish_reason":null}]}\n\n`));
  if (stream.left === 0) stream.socket.write(end);
}

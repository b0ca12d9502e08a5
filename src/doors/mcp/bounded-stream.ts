/** Maximum number of bytes that may wait for the reader of a stream. */
const waitingBytes = 4 * 1024 * 1024;

/**
 * Returns a body with the same content as `source`. The body ends early if its reader is too slow; the client can fetch the missed events
 * when it reconnects. Calls `ended` once, when everything was passed on or the reader has disconnected.
 */
export function boundedBody(source: ReadableStream<Uint8Array>, ended: () => void): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  const size = (piece: Uint8Array) => piece.length;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const pass = async () => {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            if ((controller.desiredSize ?? 0) <= 0) return reader.cancel();
            controller.enqueue(value);
          }
        };
        void pass()
          .then(() => controller.close())
          .catch(() => {}) // fails if the reader has disconnected
          .finally(ended);
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: waitingBytes, size },
  );
}

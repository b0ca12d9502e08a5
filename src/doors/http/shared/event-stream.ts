/** Responses of server-sent events. Events are written only as fast as the client reads them. */

interface SentEvent {
  id?: number;
  event?: string;
  data: unknown;
}

export interface EventWriter {
  /** Writes an event. Resolves when the next event may be written. Does nothing after the client has disconnected. */
  write(event: SentEvent): Promise<void>;
  gone: AbortSignal;
}

/**
 * Number of bytes that may wait in a stream. Above this number, the next event waits until the client has read the events before. So a
 * client that does not read holds one event more than that, whatever its size. Longer events are written in pieces of this size, so that
 * not more than a piece waits in the socket, which is not counted.
 */
const waitingBytes = 64 * 1024;

/** Number of bytes above `waitingBytes` that may wait in all streams together. Above this number, the stream with the most is broken off. */
const aboveInAll = 256 * 1024 * 1024;

interface OpenStream {
  /** Number of bytes above `waitingBytes` that wait. */
  above(): number;
  breakOff(): void;
}

const openStreams = new Set<OpenStream>();

function makeRoom(): void {
  const streams = [...openStreams].map((stream) => ({ stream, above: stream.above() }));
  if (streams.reduce((sum, { above }) => sum + above, 0) <= aboveInAll) return;
  streams.sort((one, other) => other.above - one.above)[0]?.stream.breakOff();
}

interface StreamOptions {
  keepAliveMs: number;
  headers?: Record<string, string>;
  /** Event to send instead of the keep-alive comment. */
  ping?: SentEvent | undefined;
}

/**
 * Returns a response whose events are written by `produce`. The response ends when `produce` has ended. A keep-alive comment is sent after
 * `keepAliveMs` without an event, since a tool may take long. `produce` must not reject, because the status has already been sent.
 */
export function eventStream(
  produce: (writer: EventWriter) => Promise<void>,
  { keepAliveMs, headers = {}, ping }: StreamOptions,
): Response {
  const signOfLife = ping ? eventText(ping) : ": keep-alive\n\n";
  const encoder = new TextEncoder();
  const gone = new AbortController();
  let mayWrite = () => {};
  const leave = () => {
    gone.abort();
    mayWrite();
  };
  let isIdle = true;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const stream: OpenStream = {
          above: () => Math.max(0, -(controller.desiredSize ?? 0)),
          breakOff() {
            controller.error(new Error("the client reads too slowly"));
            leave();
          },
        };
        openStreams.add(stream);
        const enqueue = async (text: string) => {
          isIdle = false;
          if (gone.signal.aborted) return;
          const bytes = encoder.encode(text);
          for (let at = 0; at < bytes.length; at += waitingBytes)
            controller.enqueue(bytes.slice(at, at + waitingBytes));
          if ((controller.desiredSize ?? 0) > 0) return;
          const hasRoom = new Promise<void>((resolve) => {
            mayWrite = resolve;
          });
          makeRoom();
          await hasRoom;
        };
        const timer = setInterval(() => {
          if (isIdle && (controller.desiredSize ?? 0) > 0) void enqueue(signOfLife);
          isIdle = true;
        }, keepAliveMs);
        void produce({ write: (event) => enqueue(eventText(event)), gone: gone.signal }).finally(() => {
          clearInterval(timer);
          openStreams.delete(stream);
          if (!gone.signal.aborted) controller.close();
        });
      },
      pull: () => mayWrite(),
      cancel: leave,
    },
    { highWaterMark: waitingBytes, size: ({ byteLength }) => byteLength },
  );
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
      ...headers,
    },
  });
}

/** Formats an event. A single `data` line is enough, since JSON contains no line breaks. */
function eventText({ id, event, data }: SentEvent): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    `data: ${typeof data === "string" ? data : JSON.stringify(data)}`,
  ];
  return `${lines.join("\n")}\n\n`;
}

/** Server-sent events at the reader's pace. */

interface SentEvent {
  id?: number;
  event?: string;
  data: unknown;
}

export interface EventWriter {
  /** Resolves when more may be written. Does nothing after the reader has disconnected. */
  write(event: SentEvent): Promise<void>;
  gone: AbortSignal;
}

const waitingEvents = 16;

interface StreamOptions {
  keepAliveMs: number;
  headers?: Record<string, string>;
  /** Event that replaces the keep-alive comment. */
  ping?: SentEvent | undefined;
}

/**
 * Returns a response that `produce` writes until it returns. After `keepAliveMs` of silence a comment keeps the connection alive, since a
 * tool may take long. `produce` must not throw: the status is already sent.
 */
export function eventStream(
  produce: (writer: EventWriter) => Promise<void>,
  { keepAliveMs, headers = {}, ping }: StreamOptions,
): Response {
  const signOfLife = ping ? eventText(ping) : ": keep-alive\n\n";
  const encoder = new TextEncoder();
  const gone = new AbortController();
  let mayWrite = () => {};
  let isIdle = true;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const enqueue = async (text: string) => {
          isIdle = false;
          if (gone.signal.aborted) return;
          controller.enqueue(encoder.encode(text));
          if ((controller.desiredSize ?? 0) > 0) return;
          await new Promise<void>((resolve) => {
            mayWrite = resolve;
          });
        };
        const timer = setInterval(() => {
          if (isIdle && (controller.desiredSize ?? 0) > 0) void enqueue(signOfLife);
          isIdle = true;
        }, keepAliveMs);
        void produce({ write: (event) => enqueue(eventText(event)), gone: gone.signal }).finally(() => {
          clearInterval(timer);
          if (!gone.signal.aborted) controller.close();
        });
      },
      pull: () => mayWrite(),
      cancel() {
        gone.abort();
        mayWrite();
      },
    },
    { highWaterMark: waitingEvents },
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

/** Formats an event. JSON has no bare newline, so one line of data is enough. */
function eventText({ id, event, data }: SentEvent): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    `data: ${typeof data === "string" ? data : JSON.stringify(data)}`,
  ];
  return `${lines.join("\n")}\n\n`;
}

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

const waitingEvents = 16;

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

/** Formats an event. A single `data` line is enough, since JSON contains no line breaks. */
function eventText({ id, event, data }: SentEvent): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    `data: ${typeof data === "string" ? data : JSON.stringify(data)}`,
  ];
  return `${lines.join("\n")}\n\n`;
}

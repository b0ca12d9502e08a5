/** A turn over HTTP, once it has begun: as one document, or as events. */
import type { ErrorInfo, TurnEvent } from "../../core/chat.js";
import { errorInfo } from "../../core/errors.js";
import type { DoorTurn } from "./door-turn.js";
import { ApiError, errorBody, messageWithHint, statusOf } from "./errors.js";
import { eventStream } from "./event-stream.js";

export interface TurnView {
  start(): StreamedEvent[];
  take(event: TurnEvent): StreamedEvent[];
  end(): StreamedEvent[];
  fail(error: ErrorInfo): StreamedEvent[];
  whole(): object;
  /** Something was sent that a `discard` would void. */
  readonly isShown: boolean;
}

export interface StreamedEvent {
  event?: string;
  data: unknown;
}

interface ShowOptions {
  streaming: boolean;
  keepAliveMs: number;
  /** Aborted when the caller has gone. */
  gone: AbortSignal;
}

export async function showTurn(door: DoorTurn, view: TurnView, options: ShowOptions): Promise<Response> {
  const { headers } = door;
  if (!options.streaming) {
    const failure = await whileListening(door, options.gone, () => watch(door, view, async () => {}));
    if (failure) return failed(failure, headers);
    return Response.json(view.whole(), { headers });
  }
  return eventStream(
    async ({ write, gone }) => {
      const writeAll = async (events: readonly StreamedEvent[]) => {
        for (const event of events) await write(event);
      };
      await whileListening(door, gone, async () => {
        await writeAll(view.start());
        const failure = await watch(door, view, writeAll);
        await writeAll(failure ? view.fail(failure) : view.end());
      });
    },
    { keepAliveMs: options.keepAliveMs, headers },
  );
}

/** Resolves to what the turn failed of. Never rejects. */
async function watch(
  { turn }: DoorTurn,
  view: TurnView,
  write: (events: readonly StreamedEvent[]) => Promise<void>,
): Promise<ErrorInfo | undefined> {
  try {
    for await (const event of turn.watch()) {
      if (event.type === "discard" && view.isShown) return startedAgain(event.reason);
      await write(view.take(event));
      if (event.type === "turn_error") return event.error;
    }
    return undefined;
  } catch (error) {
    return errorInfo(error);
  }
}

/** Only where another process has taken the turn over in the middle of an answer: it goes on there. */
function startedAgain(reason: string): ErrorInfo {
  const hint = "send the same X-Request-Id again for the whole answer";
  return { kind: "stream_interrupted", message: `the answer was begun again: ${reason}`, retryable: true, hint };
}

async function whileListening<T>(door: DoorTurn, gone: AbortSignal, work: () => Promise<T>): Promise<T> {
  const abandon = () => door.abandon();
  gone.addEventListener("abort", abandon);
  if (gone.aborted) abandon();
  try {
    return await work();
  } finally {
    gone.removeEventListener("abort", abandon);
  }
}

function failed(error: ErrorInfo, headers: Record<string, string>): Response {
  const status = statusOf(error);
  // OpenAI's clients repeat a 5xx by themselves, unless they are told that it would not help.
  const hints = { "x-should-retry": String(error.retryable), ...(status === 503 ? { "retry-after": "1" } : {}) };
  return Response.json(failureBody(error), { status, headers: { ...headers, ...hints } });
}

export function failureBody(error: ErrorInfo): ReturnType<typeof errorBody> {
  return errorBody(statusOf(error), error.kind, messageWithHint(error));
}

/** Whoever brings tools of his own brings his history too: the log has no results of calls that others carry out. */
export function requireOwnHistory(callerTools: number, continues: boolean): void {
  if (callerTools === 0 || !continues) return;
  throw new ApiError(
    400,
    "unsupported_tools",
    "tools of the caller go with calls that bring their whole history",
    "tools",
  );
}

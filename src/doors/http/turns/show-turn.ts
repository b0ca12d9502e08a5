/** Shows a running turn over HTTP, as one document or as a stream of events. */
import { setTimeout } from "node:timers/promises";
import { errorInfo } from "../../../core/errors.js";
import { type ErrorInfo, isUnsaid, type StoredEvent, type TurnEvent } from "../../../core/events.js";
import type { ToolCall } from "../../../core/messages.js";
import { withFinalText } from "../../shared/final-text.js";
import { loggedLimitFailure } from "../../shared/limit-failure.js";
import { eventStream } from "../shared/event-stream.js";
import { type ApiFailureInfo, apiFailureOf } from "../shared/failure.js";
import type { ApiTurn } from "./api-turn.js";
import type { CallerTool } from "./caller-tools.js";
import type { Attempt } from "./repeated-calls.js";
import { lastCalls, type TurnKey } from "./turn-ids.js";

/** The facts that every view has about its turn. */
export interface ViewFacts {
  turnKey: TurnKey;
  /** Name as `provider/model`. */
  model: string;
  callerTool(name: string): CallerTool | undefined;
}

/** The facts of a view whose API shows the calls of servers' tools. */
export interface ServerCallFacts extends ViewFacts {
  /** False if the caller's client refuses an answer that holds calls of servers' tools. They are left out then. */
  readsServerCalls: boolean;
  /** Returns the server of the tool that has this name for the model. Undefined if no server offers the tool any more. */
  serverOf(tool: string): { server: string; tool: string } | undefined;
}

/** Shows a turn in the format of one API: as events of a stream, or as one document. */
export interface ApiTurnView {
  start(): StreamedEvent[];
  take(event: TurnEvent): StreamedEvent[];
  end(): StreamedEvent[];
  /** Returns the events that end the stream of a failed turn. */
  failureEvents(failure: ApiFailureInfo): StreamedEvent[];
  /** Returns the answer to a call whose turn failed before anything was sent. */
  failureAnswer(failure: ApiFailureInfo): { status: number; body: object };
  whole(): object;
  /** Event that keeps a silent stream alive, for clients that ignore comments. */
  readonly ping?: StreamedEvent;
  /**
   * True if content was sent that the client keeps. A `discard` event (the answer is restarted) then ends the stream with an error. Reasoning
   * of a chat completion does not count: after a `discard` the client gets the new reasoning too.
   */
  readonly hasSentContent: boolean;
}

export interface StreamedEvent {
  event?: string;
  data: unknown;
}

/** Returns the calls of the turn's last answer that the caller runs, with the caller's names and ids. */
export function callsForCaller(stored: readonly StoredEvent[], { turnKey, callerTool }: ViewFacts): ToolCall[] {
  return lastCalls(stored, turnKey).calls.flatMap((call) => {
    const tool = callerTool(call.name);
    return tool ? [{ ...call, name: tool.name }] : [];
  });
}

interface ShowOptions {
  streaming: boolean;
  keepAliveMs: number;
  gone: AbortSignal;
  attempt: Attempt | undefined;
}

/** Maximum time until the status of a stream is sent, in ms. Until then, a failure can still be answered with an error status. */
const longestHoldMs = 10_000;

export async function showTurn(apiTurn: ApiTurn, view: ApiTurnView, options: ShowOptions): Promise<Response> {
  const { headers } = apiTurn;
  const { gone, keepAliveMs, attempt } = options;
  if (!options.streaming) {
    const failure = await whileListening(apiTurn, gone, () => watch(apiTurn, view, { attempt }));
    if (failure) return answerFailed(view, failure, headers);
    return Response.json(view.whole(), { headers });
  }
  const holdMs = Math.min(keepAliveMs, longestHoldMs);
  const failure = await whileListening(apiTurn, gone, () => earlyFailure(apiTurn, holdMs));
  if (failure) return answerFailed(view, failure, headers);
  return eventStream(
    async ({ write, gone: streamGone }) => {
      const writeAll = async (events: readonly StreamedEvent[]) => {
        for (const event of events) await write(event);
      };
      await whileListening(apiTurn, streamGone, async () => {
        await writeAll(view.start());
        const lateFailure = await watch(apiTurn, view, { attempt, write: writeAll });
        await writeAll(lateFailure ? view.failureEvents(lateFailure) : view.end());
      });
    },
    { keepAliveMs, headers, ping: view.ping },
  );
}

/**
 * Waits for the first sign of an answer, at most `holdMs`. Resolves with the failure if the turn fails before this sign; otherwise with
 * undefined. Never rejects.
 */
async function earlyFailure(apiTurn: ApiTurn, holdMs: number): Promise<ApiFailureInfo | undefined> {
  const hold = new AbortController();
  try {
    return await Promise.race([firstSign(apiTurn), setTimeout(holdMs, undefined, { signal: hold.signal })]);
  } finally {
    hold.abort();
  }
}

async function firstSign(apiTurn: ApiTurn): Promise<ApiFailureInfo | undefined> {
  const stored: StoredEvent[] = [];
  try {
    for await (const event of apiTurn.turn.watch()) {
      if ("seq" in event) stored.push(event);
      const error = errorIn(event, apiTurn, stored);
      if (error) return apiFailureOf(error);
      if (signs.has(event.type) && !isUnsaid(event)) return undefined;
    }
    return undefined;
  } catch (error) {
    return apiFailureOf(errorInfo(error));
  }
}

/** Events that prove that the provider has answered. */
const signs = new Set<TurnEvent["type"]>(["text_delta", "reasoning_delta", "assistant_message", "tool_call"]);

interface WatchOptions {
  attempt: Attempt | undefined;
  write?: (events: readonly StreamedEvent[]) => Promise<void>;
}

/** Passes the events of the turn to the view until the turn ends. Resolves with the failure of the turn, if any. Never rejects. */
async function watch(
  apiTurn: ApiTurn,
  view: ApiTurnView,
  { attempt, write }: WatchOptions,
): Promise<ApiFailureInfo | undefined> {
  const { turn, isRepeatable, isStructured } = apiTurn;
  let ranTools = false;
  const stored: StoredEvent[] = [];
  const failure = (error: ErrorInfo) => apiFailureOf(error, { ranTools: ranTools && !isRepeatable });
  try {
    for await (const watched of turn.watch()) {
      if (!write && !("seq" in watched)) continue; // what is stored suffices, and has no text that was discarded
      const event = isStructured ? withFinalText(watched) : watched;
      if ("seq" in event) stored.push(event);
      if (event.type === "discard" && view.hasSentContent) {
        apiTurn.abandon(); // nobody could get the answer of a call without a request id, and a repetition would run its tools again
        return failure(startedAgain(event.reason, isRepeatable));
      }
      if (event.type === "tool_sent") {
        ranTools = true;
        attempt?.ranTools(turn.requestId);
      }
      const shown = view.take(event);
      await write?.(shown);
      const error = errorIn(event, apiTurn, stored);
      if (error) return failure(error);
    }
    return undefined;
  } catch (error) {
    return failure(errorInfo(error));
  }
}

/** Returns the error if this event ends the turn without an answer. `stored` are the stored events of the turn up to this event. */
function errorIn(event: TurnEvent, apiTurn: ApiTurn, stored: readonly StoredEvent[]): ErrorInfo | undefined {
  if (event.type === "turn_error") return event.error;
  if (event.type !== "turn_end") return undefined;
  if (event.stopReason !== "cancelled") return loggedLimitFailure(stored, apiTurn);
  const { turn } = apiTurn;
  return turn.closingError ? errorInfo(turn.closingError) : cancelled;
}

/**
 * Error of a turn that somebody other than the caller has cancelled. Without the error, the text so far would look like a whole answer. (A
 * caller cancels its turn by disconnecting.)
 */
const cancelled: ErrorInfo = { kind: "cancelled", message: "the turn was cancelled", retryable: false, hint: "" };

/**
 * Returns the error for a stream whose answer is restarted, because it broke off or because another process took over the turn. The client keeps what it
 * was sent. If the call has no request id (`isRepeatable` is false), its turn is cancelled.
 */
function startedAgain(reason: string, isRepeatable: boolean): ErrorInfo {
  const [message, hint] = isRepeatable
    ? [`the answer was restarted: ${reason}`, "send the same X-Request-Id again for the whole answer"]
    : [`the answer broke off (${reason}), and its turn was cancelled`, ""];
  return { kind: "stream_interrupted", message, retryable: true, hint };
}

async function whileListening<T>(apiTurn: ApiTurn, gone: AbortSignal, work: () => Promise<T>): Promise<T> {
  const abandon = () => apiTurn.abandon();
  gone.addEventListener("abort", abandon);
  if (gone.aborted) abandon();
  try {
    return await work();
  } finally {
    gone.removeEventListener("abort", abandon);
  }
}

function answerFailed(view: ApiTurnView, failure: ApiFailureInfo, turnHeaders: Record<string, string>): Response {
  const { status, body } = view.failureAnswer(failure);
  return Response.json(body, { status, headers: { ...turnHeaders, ...failure.headers } });
}

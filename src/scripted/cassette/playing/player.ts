/** Plays recorded answers, so that no models and servers are needed. */
import { LlmError, McpError } from "../../../core/errors.js";
import type { ModelAnswer, ModelExchange, ServerAnswer, ServerExchange, ServerLife } from "../../../core/transports.js";
import type { Cleaner } from "../file/clean.js";
import type { CallEntry, ModelEntry, TimedEvent } from "../file/format.js";
import { normalised } from "../file/normalise.js";
import { changeText, differences, isAlike } from "./diff.js";
import { brokenBy, type Playback, playedBody } from "./played-body.js";

/** Headers that make the client retry at once. They are added to a recorded error response if the retry is recorded too. */
const atOnce = { "retry-after-ms": "1" };

/**
 * Returns the recorded answer. Throws the recorded error if there was no response. `isRepeated` is true if the recording contains the same
 * request again. `limit` is the number of bytes after which the connection breaks or, with `stalls`, sends nothing more.
 */
export function playModel(
  { response, broken, open, chunks }: ModelEntry,
  playback: Playback,
  { signal, isRepeated, limit, stalls }: { signal: AbortSignal; isRepeated: boolean; limit?: number; stalls?: boolean },
): ModelAnswer {
  if (!response) throw brokenBy(broken ?? { code: "", message: "there was no response" });
  const { status, headers } = response;
  const cut = { code: "ECONNRESET", message: "aborted" };
  const badEnd = limit === undefined ? (broken ?? (open && ("open" as const))) : stalls ? ("open" as const) : cut;
  const isWaited = status < 400 || !isRepeated || playback.isPaced;
  return {
    status,
    headers: isWaited ? headers : { ...headers, ...atOnce },
    body: playedBody(chunks, playback, { signal, end: badEnd, limit }),
  };
}

/**
 * Plays the recorded events of a call, then resolves with its answer. Rejects with the signal's reason if the call is cancelled. Rejects
 * with McpError if the host answers a server's question otherwise than in the recording.
 */
export async function playCall(
  { events = [], ms, result, error, failure }: CallEntry,
  { signal }: ServerExchange,
  life: ServerLife,
  { sleep, isPaced, cleaner }: Playback,
): Promise<ServerAnswer> {
  for (const event of events) {
    if (isPaced) await sleep(event[0], signal);
    await playEvent(event, life, cleaner, signal);
  }
  if (isPaced) await sleep(ms, signal);
  signal.throwIfAborted();
  if (result) return { result };
  if (error) return { error };
  if (failure) return { failure };
  return silence(signal);
}

/**
 * Plays one event. If the event is a question of a server, and the host's answer differs from the recorded answer, rejects with McpError:
 * the rest of the recording depends on the answer.
 */
export async function playEvent(
  [, event]: TimedEvent,
  life: ServerLife,
  cleaner: Cleaner,
  signal: AbortSignal,
): Promise<void> {
  if ("progress" in event) life.progress(event.progress);
  else if ("notify" in event) life.notified(event.notify.method, event.notify.params);
  else if ("closed" in event) life.closed(event.closed);
  else {
    const { method, params } = event.ask;
    const answer = await life.ask(method, params, signal);
    // Answers to roots/list are not compared, because folders differ between machines.
    if (method === "roots/list" || event.answer === undefined) return;
    const recorded = normalised(event.answer);
    const found = differences(recorded, normalised(cleaner.value(answer)));
    if (found.length > 0 && !isAlike(JSON.stringify(recorded), JSON.stringify(normalised(answer))))
      throw new McpError("cassette", `${method} had another answer when it was recorded:\n${changeText(found)}`);
  }
}

/** Returns a promise that never resolves. It rejects when the signal aborts. */
export function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(signal.reason);
    if (signal.aborted) give();
    else signal.addEventListener("abort", give, { once: true });
  });
}

const hint = "Record the session again (--record), or only what is missing (--record-missing).";

export function modelMiss(said: string, { provider, model }: ModelExchange): LlmError {
  return new LlmError("cassette", said, { provider, model, hint });
}

export function serverMiss(said: string): McpError {
  return new McpError("cassette", said, { hint });
}

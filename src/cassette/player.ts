/** Answers in place of models and servers, as they did when they were recorded. */
import { LlmError, McpError } from "../core/errors.js";
import type { ModelAnswer, ModelExchange, ServerAnswer, ServerExchange, ServerLife } from "../core/tape.js";
import { isAlike } from "./alike.js";
import type { Cleaner } from "./clean.js";
import { described, differences } from "./diff.js";
import type { CallEntry, ModelEntry, TimedEvent } from "./format.js";
import { normalised } from "./normalise.js";
import { brokenBy, type Playback, playedBody } from "./played-body.js";

/** A refusal that was followed by another request is not waited for: the client is told to come back at once. */
const atOnce = { "retry-after-ms": "1" };

/**
 * The answer as it was recorded. Throws as the wire did where there was none. `isRepeated`: a request that is the same comes after this one.
 * `limit`: so many bytes of the body come, then the connection breaks or, with `stalls`, nothing more.
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
 * The answer, after what the server did before it. Rejects with the signal's reason when nobody waits any more, with McpError as
 * `playEvent` does.
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

/** Rejects with McpError where the host answers a question otherwise than it did: what was recorded behind it is no answer to that. */
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
    // The folders of this machine are not those of another one.
    if (method === "roots/list" || event.answer === undefined) return;
    const recorded = normalised(event.answer);
    const found = differences(recorded, normalised(cleaner.value(answer)));
    if (found.length > 0 && !isAlike(JSON.stringify(recorded), JSON.stringify(normalised(answer))))
      throw new McpError("cassette", `${method} was answered otherwise when recorded:\n${described(found)}`);
  }
}

/** Never an answer. Rejects when nobody waits any more. */
export function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(signal.reason);
    if (signal.aborted) give();
    else signal.addEventListener("abort", give, { once: true });
  });
}

const hint = "Record it again (--record), or what is missing (--record-missing).";

export function modelMiss(said: string, { provider, model }: ModelExchange): LlmError {
  return new LlmError("cassette", said, { provider, model, hint });
}

export function serverMiss(said: string): McpError {
  return new McpError("cassette", said, { hint });
}

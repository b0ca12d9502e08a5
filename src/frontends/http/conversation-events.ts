import { Channel } from "../../core/channel.js";
import type { StoredEvent, TurnEvent } from "../../core/chat.js";
import type { Session } from "../../session/session.js";

/** How often the log is asked what another process has written while nothing happens here. */
const pollMs = 1_000;
/** What a slow reader misses beyond this it gets from the log, as far as it is stored. */
const mostWaiting = 1_000;

/**
 * Every stored event of a conversation from `from` on, in order and without a gap, whoever writes it; between them what is happening,
 * here or in a process that this one hears of. Ends with the signal. Rejects with StoreError.
 */
export async function* conversationEvents(
  session: Session,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent> {
  const happenings = new Channel<TurnEvent | "look" | "overheard">();
  let waiting = 0;
  const push = (happening: TurnEvent | "look" | "overheard") => {
    if (waiting >= mostWaiting) return false;
    waiting++;
    happenings.push(happening);
    return true;
  };
  const stop = session.listen(push);
  let hasHeard = false;
  const { cursor, leave } = session.overhear(from - 1, () => {
    if (!hasHeard) hasHeard = push("overheard");
  });
  const timer = setInterval(() => {
    if (waiting === 0) push("look");
  }, pollMs);
  const end = () => happenings.close();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  let next = from;
  const shown = function* (event: StoredEvent): Generator<TurnEvent> {
    next = event.seq + 1;
    yield* cursor.stored(event);
    yield event;
  };
  const missed = async function* (): AsyncGenerator<TurnEvent> {
    for (const event of await session.history(next)) yield* shown(event);
  };
  try {
    yield* missed();
    yield* cursor.take();
    for await (const event of happenings) {
      waiting--;
      if (event === "overheard") {
        hasHeard = false;
        if (cursor.isBehind) yield* missed();
        yield* cursor.take();
      } else if (event === "look") yield* missed();
      else if (!("seq" in event)) {
        yield* cursor.shown.void("another process goes on with this turn");
        yield event;
      } else if (event.seq === next) yield* shown(event);
      else if (event.seq > next) yield* missed();
    }
  } finally {
    stop();
    leave();
    clearInterval(timer);
    signal.removeEventListener("abort", end);
  }
}

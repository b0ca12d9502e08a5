import { Channel } from "../../core/channel.js";
import type { StoredEvent, TurnEvent } from "../../core/chat.js";
import type { Session } from "../../session/session.js";

/** How often the log is asked what another process has written while nothing happens here. */
const pollMs = 1_000;
/** What a slow reader misses beyond this it gets from the log, as far as it is stored. */
const mostWaiting = 1_000;

/**
 * Every stored event of a conversation from `from` on, in order and without a gap, whoever writes it; between them what is happening
 * here. Ends with the signal. Rejects with StoreError.
 */
export async function* conversationEvents(
  session: Session,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent> {
  const happenings = new Channel<TurnEvent | "look">();
  let waiting = 0;
  const push = (happening: TurnEvent | "look") => {
    if (waiting >= mostWaiting) return;
    waiting++;
    happenings.push(happening);
  };
  const stop = session.listen(push);
  const timer = setInterval(() => {
    if (waiting === 0) push("look");
  }, pollMs);
  const end = () => happenings.close();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  let next = from;
  const missed = async (): Promise<StoredEvent[]> => {
    const events = await session.history(next);
    next = (events.at(-1)?.seq ?? next - 1) + 1;
    return events;
  };
  try {
    yield* await missed();
    for await (const event of happenings) {
      waiting--;
      if (event === "look") yield* await missed();
      else if (!("seq" in event)) yield event;
      else if (event.seq === next) {
        next++;
        yield event;
      } else if (event.seq > next) yield* await missed();
    }
  } finally {
    stop();
    clearInterval(timer);
    signal.removeEventListener("abort", end);
  }
}

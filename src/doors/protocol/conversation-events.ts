import { Channel } from "../../core/async/channel.js";
import { conversationDeleted } from "../../core/errors.js";
import type { StoredEvent, TurnEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";

/**
 * Interval, in ms, at which the log is read for events of other processes. The log is not polled while the client still has unread events.
 */
const pollMs = 1_000;
/**
 * Maximum number of events that wait for a slow reader. Beyond it, events are dropped and later read again from the log. If an assistant
 * message is being written at that time, the message is then sent again from its start.
 */
const mostWaiting = 1_000;
/** Maximum size, in characters of JSON, of the events that wait behind the first one. Beyond it, events are dropped in the same way. */
const mostCharactersWaiting = 1024 * 1024;

/**
 * Yields every stored event of a conversation from the number (`seq`) `from` on, in order and without a gap, even if another process writes
 * the events. Also yields live events, which are shown but never stored: those of this process, and of other processes that publish theirs.
 * An assistant message that is being written is yielded from its start. Ends when the signal is aborted. Rejects with StoreError, and with
 * RequestError `not_found` if the events before are no longer in the log, because the conversation was deleted.
 */
export async function* conversationEvents(
  session: Session,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent> {
  type Happening = TurnEvent | "look" | "overheard";
  const happenings = new Channel<{ happening: Happening; characters: number; round: number }>();
  let round = 0;
  let waiting = 0;
  let charactersWaiting = 0;
  let hasLost = false;
  /** Highest `seq` of the stored events with which `push` was called. */
  let highestSeq = 0;
  const push = (happening: Happening) => {
    if (typeof happening === "object" && "seq" in happening) highestSeq = Math.max(highestSeq, happening.seq);
    const characters = waiting === 0 ? 0 : JSON.stringify(happening).length;
    if (waiting >= mostWaiting || charactersWaiting + characters > mostCharactersWaiting) {
      hasLost = true;
      return false;
    }
    waiting++;
    charactersWaiting += characters;
    happenings.push({ happening, characters, round });
    return true;
  };
  const stop = session.turns.listen(push);
  let isOverhearing = false;
  const { cursor, leave } = session.overhear(from - 1, () => {
    if (!isOverhearing) isOverhearing = push("overheard");
  });
  const timer = setInterval(() => {
    if (waiting === 0) push("look");
  }, pollMs);
  const end = () => happenings.close();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  let next = Math.max(from, 1);
  /** The event before `next`, if it was read. */
  let last: StoredEvent | undefined;
  /** True until the first delta or stored answer: the reader may show the beginning of an open answer, which it got over another connection. */
  let mayShowBeginning = next > 1;
  const live = function* (events: readonly TurnEvent[]): Generator<TurnEvent> {
    if (mayShowBeginning && events.some(isDelta)) {
      mayShowBeginning = false;
      yield discardBeforeRepeat;
    }
    yield* events;
  };
  const shown = function* (event: StoredEvent): Generator<TurnEvent> {
    next = event.seq + 1;
    last = event;
    if (event.type === "assistant_message") mayShowBeginning = false;
    yield* cursor.stored(event);
    yield event;
  };
  const missed = async function* (): AsyncGenerator<TurnEvent> {
    const known = next - 1;
    let isKnownThere = known === 0;
    for await (const page of session.pages(Math.max(known, 1))) {
      for (const event of page) {
        if (isKnownThere) yield* shown(event);
        // A new conversation with the same id has other turns. Its numbers begin at 1 again, so its events would be taken for known ones.
        else if (event.seq !== known || (last && event.turnId !== last.turnId)) throw conversationDeleted(session.id);
        else {
          isKnownThere = true;
          last = event;
        }
      }
    }
    if (!isKnownThere) throw conversationDeleted(session.id);
  };
  /**
   * Yields the rest of the log, then all live events so far. Events that still wait for the reader are also among these live events, so the
   * waiting events are dropped.
   */
  const join = async function* (): AsyncGenerator<TurnEvent> {
    let before: number;
    do {
      before = next;
      yield* missed();
    } while (highestSeq >= next && next > before);
    const happening = session.happening();
    round++;
    waiting = 0;
    charactersWaiting = 0;
    hasLost = false;
    isOverhearing = false;
    if (next > 1 && happening.some(isDelta)) mayShowBeginning = true;
    yield* live(happening);
    yield* live(cursor.take());
  };
  try {
    yield* join();
    for await (const { happening: event, characters, round: itsRound } of happenings) {
      if (itsRound !== round) continue;
      waiting--;
      charactersWaiting -= characters;
      if (hasLost) yield* join();
      else if (event === "overheard") {
        isOverhearing = false;
        if (cursor.isBehind) yield* missed();
        yield* live(cursor.take());
      } else if (event === "look") yield* missed();
      else if (!("seq" in event)) {
        yield* cursor.void("another process continues this turn");
        if (mayShowBeginning) yield* live([event]);
        else yield event;
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

const discardBeforeRepeat = { type: "discard", reason: "sent again from its beginning" } as const;

function isDelta({ type }: TurnEvent): boolean {
  return type === "text_delta" || type === "reasoning_delta";
}

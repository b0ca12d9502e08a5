import fc from "fast-check";
import type { ChatEvent, UserMessageEvent } from "../../src/core/events.js";
import { toolMessage } from "../../src/core/messages.js";
import { needsEarlierCalls } from "../../src/log/folds/caller-results.js";
import { readTurns } from "../../src/log/folds/turn-records.js";
import { callerTurns } from "../../src/session/turns/turn-answers.js";
import { call, stored, turn } from "./support.js";

/** One attempt at one of some turns: some answers with calls, each call in some state, then perhaps an end. */
export const attemptAtOneOf = (turns: number) =>
  fc.record({
    turn: fc.integer({ min: 1, max: turns }),
    /** True if another host continues the turn. */
    lost: fc.boolean(),
    /** Turns whose requests arrive during this attempt. */
    queued: fc.array(fc.integer({ min: 1, max: turns }), { maxLength: 1 }),
    hops: fc.array(fc.array(fc.constantFrom("asked", "planned", "sent", "done"), { maxLength: 3 }), { maxLength: 3 }),
    text: fc.constantFrom("", "some text"),
    /** True if a title is stored while this attempt runs. */
    titles: fc.boolean(),
    /** What the turn's request brings, if the caller of the API runs the open calls: their results, alone or with a message. */
    brings: fc.option(fc.constantFrom("results", "results and message")),
    /** Summarises or leaves out older turns, at the start of this attempt or in its middle. `keeps` is the number of turns that stay. */
    shortens: fc.option(
      fc.record({ type: fc.constantFrom("compaction", "trim"), keeps: fc.nat({ max: 3 }), late: fc.boolean() }),
    ),
    stop: fc.constantFrom("end_turn", "calls_left", "cancelled", "interrupted", "error", "killed", "parked"),
    shuffled: fc.boolean(),
    /** Removes everything after this event when the attempt is over, even where the log would refuse to because a turn runs. */
    rewindTo: fc.option(fc.nat({ max: 60 }), { freq: 4 }),
  });
type Attempt = ReturnType<typeof attemptAtOneOf> extends fc.Arbitrary<infer T> ? T : never;

/** One attempt as `attemptAtOneOf`, in a conversation whose tools all are the caller's: few calls, and requests that bring their results. */
export const callersAttemptAtOneOf = (turns: number) =>
  fc
    .tuple(
      attemptAtOneOf(turns),
      fc.array(fc.array(fc.constant("asked"), { maxLength: 2 }), { maxLength: 1 }),
      fc.constantFrom("end_turn", "calls_left", "error"),
    )
    .map(([attempt, hops, stop]): Attempt => ({ ...attempt, queued: [], hops, stop, rewindTo: null }));

/** Returns the log that these attempts make after its first events. Every answer uses the same call ids, as some providers do. */
export function logOf(attempts: readonly Attempt[], first: readonly ChatEvent[] = []): ChatEvent[] {
  const log: ChatEvent[] = [...first];
  const claimed = new Set<string>();
  const ended = new Set<string>();
  /** The turn that has brought results last, until another request arrives: then its request can no longer be repeated. */
  let bringing: string | undefined;
  const claim = (turnId: string, brings: Attempt["brings"] = null) => {
    if (claimed.has(turnId)) return;
    if (bringing) ended.add(bringing);
    const user = turn(turnId).user(`please ${turnId}`);
    const asked = brings ? withOpenResults(user, brings === "results", log) : user;
    bringing = asked === user ? undefined : turnId;
    log.push(asked);
    claimed.add(turnId);
  };
  for (const {
    turn: number,
    lost,
    queued,
    hops,
    text,
    titles,
    brings,
    shortens,
    stop,
    shuffled,
    rewindTo,
  } of attempts) {
    const turnId = `turn_${number}`;
    if (ended.has(turnId)) continue;
    const {
      answer,
      planned,
      sent,
      result,
      stored: storedResult,
      compaction,
      trim,
      lost: stateLost,
      end,
      error,
    } = turn(turnId);
    const shorten = (late: boolean) => {
      if (!shortens || shortens.late !== late) return;
      const ends = stored(log).filter(({ type }) => type === "turn_end" || type === "turn_error");
      const last = ends.at(-1 - shortens.keeps);
      if (!last || (shortens.type === "trim" && partsResults(log, last.seq))) return;
      log.push(shortens.type === "trim" ? trim(last.seq) : compaction(last.seq, `what was before ${last.seq}`));
    };
    claim(turnId, brings);
    for (const other of queued) claim(`turn_${other}`);
    if (lost) log.push(stateLost("s"));
    shorten(false);
    for (const states of hops) {
      const calls = states.map((state, index) => ({ state, call: call(`call_${index}`) }));
      log.push(
        answer(
          text,
          calls.map((each) => each.call),
        ),
      );
      for (const each of calls) if (each.state !== "asked") log.push(planned(each.call));
      const sendable = calls.filter(({ state }) => state === "sent" || state === "done");
      for (const each of sendable) log.push(sent(each.call.id));
      const done = sendable.filter(({ state }) => state === "done");
      for (const each of shuffled ? done.reverse() : done) {
        log.push(each.call.id === "call_2" ? storedResult(each.call.id, "res_1") : result(each.call.id, "42"));
      }
    }
    shorten(true);
    const facts = { provider: "test", model: "m1", attempts: 1, spent: { tokens: 5 } };
    if (titles) log.push({ type: "title", turnId: `title_${log.length}`, title: "A title", ...facts });
    if (stop === "interrupted" || stop === "cancelled")
      log.push(answer("half", [call("call_9")], { interrupted: true }));
    if (stop === "parked") log.push(answer("", [], { interrupted: true }));
    if (stop === "end_turn") log.push(answer("done"), end());
    if (stop === "calls_left") log.push(end());
    if (stop === "cancelled") log.push(end("cancelled"));
    if (stop === "interrupted" || stop === "error") log.push(error());
    if (stop === "end_turn" || stop === "calls_left" || stop === "cancelled") ended.add(turnId);
    if (rewindTo !== null && rewindTo < log.length) {
      log.push({ type: "rewind", turnId: `rewind_${log.length}`, toSeq: rewindTo });
    }
  }
  return log;
}

/** Returns true if the turn may run: it has not ended for good. */
export function mayRun(log: readonly ChatEvent[], turnId: string): boolean {
  return log.findLast((event) => event.turnId === turnId)?.type !== "turn_end";
}

/**
 * Returns the request with results for the calls of the last answer that the host does not run. Returns it unchanged if there are none, or if
 * a turn has not ended: the host then refuses results.
 */
function withOpenResults(user: UserMessageEvent, isAlone: boolean, log: readonly ChatEvent[]): UserMessageEvent {
  const turns = callerTurns(stored(log));
  const lastAt = turns.findLastIndex(({ answers }) => answers.length > 0);
  const last = turns[lastAt];
  const isBrought = (id: string) => turns.slice(lastAt + 1).some(({ broughtIds }) => broughtIds.has(id));
  const isIdle = readTurns(stored(log)).every(({ end }) => end);
  const open =
    isIdle && last?.isAnswered
      ? (last.answers.at(-1)?.calls.filter(({ call, result }) => !result && !isBrought(call.id)) ?? [])
      : [];
  const content = [{ type: "text" as const, text: "from the caller" }];
  const history = open.map(({ call }) => toolMessage(call, { content, isError: false }, undefined));
  return history.length > 0 ? { ...user, history, content: isAlone ? [] : user.content } : user;
}

/** Returns true if a trim up to this event would leave out the calls of results that stay. The host makes no such trim. */
function partsResults(log: readonly ChatEvent[], upToSeq: number): boolean {
  const first = readTurns(stored(log)).find(({ end }) => !end || end.seq > upToSeq);
  return first !== undefined && needsEarlierCalls(first);
}

import fc from "fast-check";
import type { ChatEvent } from "../../src/core/events.js";
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
    /** Summarises or leaves out older turns, at the start of this attempt or in its middle. `keeps` is the number of turns that stay. */
    shortens: fc.option(
      fc.record({ type: fc.constantFrom("compaction", "trim"), keeps: fc.nat({ max: 3 }), late: fc.boolean() }),
    ),
    stop: fc.constantFrom("end_turn", "cancelled", "interrupted", "error", "killed", "parked"),
    shuffled: fc.boolean(),
    /** Removes everything after this event when the attempt is over, even where the log would refuse to because a turn runs. */
    rewindTo: fc.option(fc.nat({ max: 60 }), { freq: 4 }),
  });
type Attempt = ReturnType<typeof attemptAtOneOf> extends fc.Arbitrary<infer T> ? T : never;

/** Returns the log that these attempts make after its first events. Every answer uses the same call ids, as some providers do. */
export function logOf(attempts: readonly Attempt[], first: readonly ChatEvent[] = []): ChatEvent[] {
  const log: ChatEvent[] = [...first];
  const claimed = new Set<string>();
  const ended = new Set<string>();
  const claim = (turnId: string) => {
    if (!claimed.has(turnId)) log.push(turn(turnId).user(`please ${turnId}`));
    claimed.add(turnId);
  };
  for (const { turn: number, lost, queued, hops, text, shortens, stop, shuffled, rewindTo } of attempts) {
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
      if (!last) return;
      log.push(shortens.type === "trim" ? trim(last.seq) : compaction(last.seq, `what was before ${last.seq}`));
    };
    claim(turnId);
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
    if (stop === "interrupted" || stop === "cancelled")
      log.push(answer("half", [call("call_9")], { interrupted: true }));
    if (stop === "parked") log.push(answer("", [], { interrupted: true }));
    if (stop === "end_turn") log.push(answer("done"), end());
    if (stop === "cancelled") log.push(end("cancelled"));
    if (stop === "interrupted" || stop === "error") log.push(error());
    if (stop === "end_turn" || stop === "cancelled") ended.add(turnId);
    if (rewindTo !== null && rewindTo < log.length) {
      log.push({ type: "rewind", turnId: `rewind_${log.length}`, toSeq: rewindTo });
    }
  }
  return log;
}

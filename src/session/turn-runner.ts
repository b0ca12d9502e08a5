/** Runs the turns of one conversation in order. A turn that another host owns is followed instead. */

import { maxCrashes, Suspects } from "../cluster/crash-quarantine.js";
import { HeldTurn } from "../cluster/held-turn.js";
import { Overheard } from "../cluster/live/relayed-turn.js";
import { CallSignal } from "../core/call-signal.js";
import type { ChatEvent, Message, StoredEvent } from "../core/chat.js";
import { RequestError, StoreError } from "../core/errors.js";
import type { AbandonedTurn, TurnLease, TurnMail } from "../core/store-ports.js";
import { longestTimerMs } from "../core/timers.js";
import { TimeLimitReached } from "../turn/turn-options.js";
import type { LiveTurn } from "./live-turn.js";
import type { Questions } from "./questions.js";
import { rulesOf } from "./rules.js";
import { SessionApprovals } from "./session-approvals.js";
import type { SessionParts } from "./session-parts.js";
import { TurnMeasure } from "./turn-measure.js";
import type { TurnOptions } from "./turn-options.js";
import { TurnSteps } from "./turn-steps.js";
import { isEnd, requireOpen, TurnWriter } from "./turn-writer.js";

export class TurnRunner {
  readonly #conversationId: string;
  readonly #parts: SessionParts;
  readonly #questions: Questions;
  readonly #approvals: SessionApprovals;
  readonly #steps: TurnSteps;
  /** Number of turns that run here or are about to. */
  #runs = 0;

  constructor(conversationId: string, parts: SessionParts, questions: Questions) {
    this.#conversationId = conversationId;
    this.#parts = parts;
    this.#questions = questions;
    this.#steps = new TurnSteps(conversationId, parts, questions);
    this.#approvals = new SessionApprovals(parts.approvals, parts.engine.workspace);
  }

  compactNext(): void {
    this.#steps.compactNext();
  }

  async estimate(said: readonly Message[], options: TurnOptions): Promise<number> {
    const log = await this.#parts.store.read(this.#conversationId);
    using settings = this.#parts.settings();
    const rules = rulesOf(options, settings.defaults, this.#approvals);
    return this.#steps.estimate(said, { log, settings, options, rules });
  }

  get remembers(): boolean {
    return this.#steps.remembers || this.#approvals.size > 0;
  }

  /**
   * Runs the turn or follows it. Resolves once the turn has ended on any host. While the turn waits, `resume` is called with earlier turns
   * that no host owns. Rejects if the turn cannot go on: with StoreError, or with RequestError `shutting_down` or `not_found`.
   */
  async drive(turn: LiveTurn, resume: (abandoned: AbandonedTurn) => void): Promise<void> {
    const elsewhere = new Overheard(turn, this.#conversationId, this.#parts.exchange);
    try {
      await this.#drive(turn, elsewhere, resume);
    } finally {
      elsewhere.leave();
    }
  }

  async #drive(turn: LiveTurn, elsewhere: Overheard, resume: (abandoned: AbandonedTurn) => void): Promise<void> {
    const { engine } = this.#parts;
    for (;;) {
      requireOpen(turn);
      const changed = engine.changed(this.#conversationId); // before the check, so that no change is missed
      const since = performance.now();
      const lease = await this.#acquire(turn);
      if (lease) elsewhere.leave();
      if (lease && (await this.#run(turn, lease, elsewhere, since))) return;
      if (lease) continue;
      if (this.#runs === 0) elsewhere.follow(); // otherwise this turn waits for a turn on this host
      if (await this.#follow(turn, elsewhere)) return;
      const state = await engine.stateOf(this.#conversationId, turn.turnId);
      if (!state) throw wasDeleted(this.#conversationId);
      if (!state.isUnfinished) {
        await this.#follow(turn, elsewhere); // the turn has ended since the last read, so read its end
        return;
      }
      if (!turn.isSuspect && Suspects.includes(state.crashes)) {
        turn.isSuspect = true;
        engine.wake(this.#conversationId); // the turn may be the next suspect that can enter
        continue;
      }
      if (turn.isLeaving && this.#runs === 0) {
        turn.park(); // the turn waits for another host, so this host leaves it
        engine.wake(this.#conversationId);
        continue;
      }
      await this.#resumeBefore(turn, resume);
      await changed;
    }
  }

  /**
   * Resumes the earlier turns of the conversation that no host owns. If this turn was given to this host, dispatched earlier turns are
   * resumed too: until this turn has ended, the queue gives no turn of the conversation to another host.
   */
  async #resumeBefore(turn: LiveTurn, resume: (abandoned: AbandonedTurn) => void): Promise<void> {
    const { engine } = this.#parts;
    for (const abandoned of await engine.abandonedIn(this.#conversationId)) {
      if (turn.isQueued && engine.isDispatched(abandoned)) continue;
      if (abandoned.turnId === turn.turnId) {
        if (turn.isQueued) engine.wake(this.#conversationId);
        turn.isQueued = false; // no other host will be given this turn
        return;
      }
      resume(abandoned);
    }
  }

  async #acquire({ turnId, isQueued, endsOutOfTurn, isSuspect }: LiveTurn): Promise<TurnLease | undefined> {
    if (isQueued && !endsOutOfTurn) return undefined;
    const { engine } = this.#parts;
    const isRun = !endsOutOfTurn;
    const suspect = { conversationId: this.#conversationId, turnId };
    if (isRun && isSuspect && !engine.suspects.enter(suspect)) return undefined;
    const mostCrashes = isRun && !isSuspect ? maxCrashes - 2 : undefined;
    this.#runs++;
    let lease: TurnLease | undefined;
    try {
      lease = await engine.acquire(this.#conversationId, turnId, { isOutOfTurn: endsOutOfTurn, mostCrashes });
      return lease;
    } finally {
      if (!lease) {
        this.#runs--;
        engine.suspects.leave(suspect);
      }
    }
  }

  /** Shows the events that another host has stored for the turn. Resolves with true if they include the turn's end. */
  async #follow(turn: LiveTurn, elsewhere: Overheard): Promise<boolean> {
    const events = await this.#parts.store.read(this.#conversationId, turn.lastSeq + 1);
    const own = events.filter(({ turnId }) => turnId === turn.turnId);
    for (const event of own) {
      if (event.type === "question") this.#questions.openElsewhere(event.questionId, turn.turnId);
      if (event.type === "answer") this.#questions.closeElsewhere(event.questionId);
      elsewhere.stored(event);
      if (isEnd(event)) return true; // later events may belong to a repeated request, which resumed the turn
    }
    elsewhere.skipTo(events.at(-1)?.seq ?? 0);
    return false;
  }

  /** Runs the turn. Resolves with true when the turn has ended, and with false if another host has taken it over. */
  async #run(turn: LiveTurn, lease: TurnLease, elsewhere: Overheard, since: number): Promise<boolean> {
    const { store, engine, meter } = this.#parts;
    const { custody } = engine;
    const conversationId = this.#conversationId;
    const exchange = turn.endsOutOfTurn ? undefined : this.#parts.exchange; // another turn may be writing in the exchange
    const options = (lease.options ?? {}) as TurnOptions;
    using run = new CallSignal(turn.stop);
    const limit =
      options.timeoutMs && setTimeout(() => run.abort(timeUp(options)), Math.min(options.timeoutMs, longestTimerMs));
    let writer: TurnWriter | undefined;
    let log: StoredEvent[] = [];
    const { turnId } = turn;
    using measure = new TurnMeasure({ meter, conversationId, turnId, lease, options });
    turn.isHere = true;
    try {
      const all = await this.#parts.logs.read(conversationId);
      // Reading the log may have taken long. Meanwhile another host may have taken the turn over, or even ended it.
      const heldSince = custody.isSureSince(since) ? since : await custody.confirm(conversationId, turnId);
      log = withoutOthers(all, turnId);
      const own = eventsOf(turnId, log);
      using settings = this.#parts.settings();
      const rules = rulesOf(options, settings.defaults, this.#approvals);
      const tools = this.#steps.toolbox(settings, options, rules, log);
      for (const event of own) elsewhere.stored(event);
      const place = { turnId, after: all.at(-1)?.seq ?? 0, fence: lease.fence, attempt: 0 };
      exchange?.begin(conversationId, place);
      const onStored = (event: StoredEvent) => {
        tools.note(event);
        measure.stored(event);
        if (isEnd(event)) turn.isHere = false; // no live events are sent after the end
      };
      const signal = run.native;
      writer = new TurnWriter({
        store,
        hub: this.#parts.hub,
        conversationId,
        nodeId: engine.nodeId,
        turn,
        lease,
        log,
        position: own.length,
        lastSeq: all.at(-1)?.seq,
        questions: this.#questions,
        shown: elsewhere,
        signal,
        onStored,
      });
      const onLost = (error: unknown) => {
        writer?.stop(error);
        run.abort();
      };
      using held = new HeldTurn({ custody, conversationId, turnId, since: heldSince, onLost });
      const step = { log, turnId, lease, trace: measure.trace, settings, options, rules, tools, signal };
      await this.#steps.run({ outlet: writer, beforeRequest: held.confirm, ...step });
      return true;
    } catch (error) {
      const unwritten = writer?.stop() ?? [];
      run.abort(); // results of tools that still run could not be stored
      if (!(error instanceof StoreError && error.kind === "fenced")) throw error;
      if (!turn.isHere) return true; // the turn's end is already stored
      turn.isHere = false;
      exchange?.end(conversationId, turnId);
      this.#questions.openElsewhereOf(eventsOf(turnId, log));
      await this.#passOn(turn, unwritten);
      elsewhere.forget();
      if (writer) turn.publish({ type: "discard", reason: "another process goes on with this turn" });
      return false;
    } finally {
      turn.isHere = false;
      exchange?.end(conversationId, turnId);
      this.#runs--;
      engine.suspects.leave({ conversationId, turnId });
      if (limit) clearTimeout(limit);
      engine.wake(conversationId);
    }
  }

  /** Sends the user's cancellation, or the answers that are not stored yet, to the next owner of the turn. */
  async #passOn({ turnId, stop, isParked }: LiveTurn, unwritten: readonly ChatEvent[]): Promise<void> {
    const send = (mail: TurnMail) => this.#parts.engine.send(this.#conversationId, turnId, mail);
    if (stop.aborted && !isParked) {
      await send({ type: "cancel" });
      return;
    }
    for (const event of unwritten) {
      if (event.type === "answer") await send({ type: "answer", questionId: event.questionId, value: event.value });
    }
  }
}

/** Returns the log without the events of other unfinished turns. Turns that wait behind this turn are not part of its history. */
function withoutOthers(log: readonly StoredEvent[], turnId: string): StoredEvent[] {
  const others = new Set<string>();
  for (const { turnId: other, type } of log) {
    if (type === "user_message" && other !== turnId) others.add(other);
    else if (type === "turn_end" || type === "turn_error") others.delete(other);
  }
  return others.size === 0 ? [...log] : log.filter((event) => !others.has(event.turnId));
}

/** Returns the events of the turn. Searches from the end, because most events of a long conversation come before this turn. */
function eventsOf(turnId: string, log: readonly StoredEvent[]): StoredEvent[] {
  const begin = log.findLastIndex((event) => event.turnId === turnId && event.type === "user_message");
  return begin < 0 ? [] : log.slice(begin).filter((event) => event.turnId === turnId);
}

function wasDeleted(conversationId: string): RequestError {
  return new RequestError("not_found", `the conversation ${conversationId} was deleted`);
}

function timeUp({ timeoutMs }: TurnOptions): TimeLimitReached {
  return new TimeLimitReached(`the turn's ${timeoutMs} ms are used up`);
}

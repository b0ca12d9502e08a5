/** Runs the turns of one conversation. The cluster decides which turn may run here, and when. */

import { LinkedAbort } from "../../core/async/abort.js";
import { longestTimerMs } from "../../core/async/timers.js";
import type { ResultStore } from "../../core/chat-store.js";
import type { OwnedTurn } from "../../core/cluster-port.js";
import { errorInfo, RequestError, StoreError } from "../../core/errors.js";
import { type ChatEvent, isTurnEnd, type StoredEvent } from "../../core/events.js";
import type { Message } from "../../core/messages.js";
import type { AbandonedTurn, TurnMail } from "../../core/turn-leases.js";
import type { LogSince } from "../../log/folds/checkpoint.js";
import type { Orchestrator } from "../../turn/orchestrator.js";
import { TimeLimitReached } from "../../turn/turn-options.js";
import type { PromptOptions } from "../shared/prompt-options.js";
import { rulesOf } from "../shared/rules.js";
import type { TurnToolbox } from "../tools/turn-toolbox.js";
import type { LiveTurn } from "./live-turn.js";
import type { Questions } from "./questions.js";
import { SessionApprovals } from "./session-approvals.js";
import type { SessionParts, TurnSettings } from "./session-parts.js";
import { TurnMeasure } from "./turn-measure.js";
import { TurnSteps } from "./turn-steps.js";
import { TurnWriter } from "./turn-writer.js";

/**
 * A turn reads at least this many of the model's windows, so that it always has more than fits: estimates of tokens are at most twice what the
 * model counts.
 */
const windowsRead = 2;

export class TurnRunner {
  readonly #conversationId: string;
  readonly #parts: SessionParts;
  readonly #questions: Questions;
  readonly #approvals: SessionApprovals;
  readonly #steps: TurnSteps;
  /** Id of the last turn that ran here. */
  #lastTurnId = "";

  constructor(conversationId: string, parts: SessionParts, questions: Questions) {
    this.#conversationId = conversationId;
    this.#parts = parts;
    this.#questions = questions;
    this.#steps = new TurnSteps(conversationId, parts, questions);
    this.#approvals = new SessionApprovals(parts);
  }

  compactNext(): void {
    this.#steps.compactNext();
  }

  async estimate(said: readonly Message[], options: PromptOptions): Promise<number> {
    using settings = this.#parts.settings();
    const log = await this.#read(settings, options);
    const rules = rulesOf(options, settings.defaults, this.#approvals);
    return this.#steps.estimate(said, { log, settings, options, rules });
  }

  get remembers(): boolean {
    return this.#steps.remembers || this.#approvals.size > 0;
  }

  /** Returns the events of a turn that is in the log. Rejects with StoreError. */
  async eventsOf(turnId: string): Promise<StoredEvent[]> {
    using settings = this.#parts.settings();
    return eventsOf(turnId, (await this.#read(settings, {}, turnId)).events);
  }

  /**
   * Runs the turn, or follows it on another host. Resolves when the turn has ended on any host. While the turn waits, calls `resume` for
   * each earlier turn that no host owns. Rejects if the turn cannot continue: with StoreError, or with RequestError `shutting_down` or
   * `not_found`.
   */
  drive(turn: LiveTurn, resume: (abandoned: AbandonedTurn) => void): Promise<void> {
    return this.#parts.cluster.drive({
      conversationId: this.#conversationId,
      turn,
      run: (owned) => this.#run(turn, owned),
      resume,
      onStored: (event) => {
        if (event.type === "question") this.#questions.openElsewhere(event.questionId, turn.turnId);
        if (event.type === "answer") this.#questions.closeElsewhere(event.questionId);
      },
    });
  }

  /** Runs the turn. Resolves with undefined when it has ended, or with the mail for its new owner if another host has taken it over. */
  async #run(turn: LiveTurn, owned: OwnedTurn): Promise<TurnMail[] | undefined> {
    const { store, hub, meter } = this.#parts;
    const conversationId = this.#conversationId;
    const { turnId } = turn;
    const { lease } = owned;
    const options = { ...(lease.options as PromptOptions | null), ...turn.permission };
    using run = new LinkedAbort(turn.stop);
    const limit =
      options.timeoutMs && setTimeout(() => run.abort(timeUp(options)), Math.min(options.timeoutMs, longestTimerMs));
    let writer: TurnWriter | undefined;
    let events: StoredEvent[] = [];
    using measure = new TurnMeasure({ meter, conversationId, turnId, lease, options });
    turn.become("running");
    try {
      using settings = this.#parts.settings();
      const { checkpoint, events: all } = owned.onlyEvent
        ? this.#parts.logs.begin(conversationId, owned.onlyEvent)
        : await this.#read(settings, options, turnId);
      const lastSeq = all.at(-1)?.seq ?? 0;
      events = withoutOthers(all, turnId);
      const log = { checkpoint, events };
      const own = eventsOf(turnId, events);
      await this.#forgetDeleted(turnId);
      await owned.begin({ own, lastSeq }, (error) => {
        writer?.stop(error);
        run.abort();
      });
      const isAutoWithdrawn = () => turn.isAutoWithdrawn;
      const rules = { ...rulesOf(options, settings.defaults, this.#approvals), isAutoWithdrawn };
      let tools: TurnToolbox | undefined;
      const onStored = (event: StoredEvent) => {
        tools?.note(event);
        measure.stored(event);
        if (isTurnEnd(event)) turn.become("stored"); // so that no live events of the turn are sent after its end
      };
      const { signal } = run;
      writer = new TurnWriter({
        ...{ store, hub, conversationId, turn, owned, log: events, signal, onStored },
        position: own.length,
        lastSeq,
        questions: this.#questions,
      });
      if (options.endsWithCaller && !turn.endsWithCaller) {
        await writer.store([{ type: "turn_error", turnId, error: errorInfo(callerLost()) }]);
        return undefined;
      }
      try {
        tools = this.#steps.toolbox(settings, options, rules, log, keptResults(store.results, writer, signal));
        const step = { log, turnId, owned, trace: measure.trace, settings, options, rules, tools, signal };
        await this.#steps.run({ outlet: writer, ...step });
      } catch (error) {
        if (error instanceof StoreError || error instanceof RequestError) throw error;
        // An event of the conversation cannot be read, or the host has a fault. Without an end, the turn would block all later turns.
        await writer.store([{ type: "turn_error", turnId, error: errorInfo(error) }]);
      }
      return undefined;
    } catch (error) {
      const unwritten = writer?.stop() ?? [];
      run.abort(); // stops tools that are still running, because their results could not be stored
      if (!(error instanceof StoreError && error.kind === "fenced")) throw error;
      if (turn.state.at === "stored") return undefined;
      this.#questions.openElsewhereOf(eventsOf(turnId, events));
      if (writer) turn.publish({ type: "discard", reason: "another process continues this turn" });
      return mailFor(turn, unwritten);
    } finally {
      if (turn.isRunning) turn.become("waiting"); // the turn has no end in the log, so it is not over
      if (limit) clearTimeout(limit);
      this.#parts.daySpent.needs(turnId, undefined);
    }
  }

  /**
   * Drops the answers that hold for the session if the conversation was deleted, on any host, since they were given. A new conversation with the
   * same id does not contain the last turn that ran here.
   */
  async #forgetDeleted(turnId: string): Promise<void> {
    const { turns } = this.#parts.store;
    const hasAnswers = this.#approvals.size > 0;
    if (hasAnswers && !(await turns.stateOf(this.#conversationId, this.#lastTurnId))) this.#approvals.forgetSession();
    this.#lastTurnId = turnId;
  }

  /** Reads as much of the conversation as the model's window needs. All events of the turn `turnId` are among them. */
  #read({ orchestrator }: TurnSettings, { model }: PromptOptions, turnId?: string): Promise<LogSince> {
    const mostTokens = windowsRead * windowOf(orchestrator, model);
    return this.#parts.logs.read(this.#conversationId, { mostTokens, turnId });
  }
}

function windowOf(orchestrator: Orchestrator, model: string | undefined): number {
  try {
    return orchestrator.facts(model).contextWindow;
  } catch {
    return Number.POSITIVE_INFINITY; // a model that cannot be used makes the turn fail later
  }
}

/** Returns the messages (mail) for the next owner of the turn: either the user's cancellation, or the answers that are not stored yet. */
function mailFor({ stop, closing, cancelMail }: LiveTurn, unwritten: readonly ChatEvent[]): TurnMail[] {
  if (stop.aborted && closing !== "parked") return [cancelMail];
  return unwritten.flatMap((event) =>
    event.type === "answer" ? [{ type: "answer", questionId: event.questionId, value: event.value }] : [],
  );
}

/**
 * Returns the log without the events of other unfinished turns. A turn that waits for this turn to end is not part of this turn's history.
 */
function withoutOthers(log: readonly StoredEvent[], turnId: string): StoredEvent[] {
  const others = new Set<string>();
  for (const event of log) {
    if (event.type === "user_message" && event.turnId !== turnId) others.add(event.turnId);
    else if (isTurnEnd(event)) others.delete(event.turnId);
  }
  return others.size === 0 ? [...log] : log.filter((event) => !others.has(event.turnId));
}

/** Returns the events of the turn. Searches from the end, because most events of a long conversation come before this turn. */
function eventsOf(turnId: string, log: readonly StoredEvent[]): StoredEvent[] {
  const begin = log.findLastIndex((event) => event.turnId === turnId && event.type === "user_message");
  return begin < 0 ? [] : log.slice(begin).filter((event) => event.turnId === turnId);
}

/** Returns the error of a turn whose caller was connected to another host, which has ended or lost the turn. */
function callerLost(): RequestError {
  return new RequestError(
    "cancelled",
    "the turn was cancelled, because the host that its caller was connected to lost it",
    {
      hint: "a call with a request id of its own is continued by another host",
    },
  );
}

function timeUp({ timeoutMs }: PromptOptions): TimeLimitReached {
  return new TimeLimitReached(`the turn's ${timeoutMs} ms are used up`);
}

/**
 * Returns the store of large results for a turn. It keeps results that the log refuses for now, as the turn's events are kept, until the
 * turn is stopped. A result that alone does not fit is given up, because the model can work with its beginning and its end.
 */
function keptResults(results: ResultStore, writer: TurnWriter, stopped: AbortSignal): ResultStore {
  return { read: (id) => results.read(id), put: (...result) => writer.keep(() => results.put(...result), stopped) };
}

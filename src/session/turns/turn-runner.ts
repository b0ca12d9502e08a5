/** Runs the turns of one conversation. The cluster decides which turn may run here, and when. */

import type { OwnedTurn } from "../../core/cluster-port.js";
import { errorInfo, type LlmErrorKind, RequestError, StoreError } from "../../core/errors.js";
import type { ChatEvent, EventOf, QuestionEvent, StoredEvent } from "../../core/events.js";
import type { Message } from "../../core/messages.js";
import { type AbandonedTurn, maxCrashes, type TurnMail } from "../../core/turn-leases.js";
import type { LogSince } from "../../log/folds/checkpoint.js";
import { toMessages } from "../../log/folds/replay.js";
import { driveTurn, type LoopStart } from "../../turn/loop.js";
import type { PromptOptions } from "../shared/prompt-options.js";
import { rulesOf } from "../shared/rules.js";
import { askedLimits } from "../shared/turn-limits.js";
import { TurnToolbox } from "../tools/turn-toolbox.js";
import type { LiveTurn } from "./live-turn.js";
import { makeTitle } from "./make-title.js";
import { ownEvents, RunningTurn } from "./running-turn.js";
import type { ConversationParts, TurnSettings } from "./session-parts.js";
import { TurnHistory } from "./turn-history.js";
import { TurnPrompt } from "./turn-prompt.js";

/**
 * A turn reads at least this many of the model's windows, so that it always has more than fits: estimates of tokens are at most twice what the
 * model counts.
 */
const windowsRead = 2;

export class TurnRunner {
  readonly #parts: ConversationParts;
  /** Id of the last turn that ran here. */
  #lastTurnId = "";
  #compactNext = false;
  #isTitled = false;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  compactNext(): void {
    this.#compactNext = true;
  }

  /**
   * True if something is remembered that is not in the log: a person's approvals that are valid for this session only, or a request to summarise
   * the conversation that has not been carried out yet.
   */
  get remembers(): boolean {
    return this.#compactNext || this.#parts.granted.size > 0 || this.#parts.memory.size > 0;
  }

  /**
   * Estimates the input tokens of the first request of a turn that would start now. `sent` are the messages that follow the log, including
   * the user's next message.
   */
  async estimate(sent: readonly Message[], options: PromptOptions): Promise<number> {
    const parts = this.#parts;
    const settings = parts.settings();
    const log = await this.#read(settings, options);
    const rules = rulesOf(options, settings.defaults, parts.memory);
    const turn = { parts, settings, log, rules, options, turnId: "", results: parts.store.results };
    return new TurnPrompt({ ...turn, tools: new TurnToolbox(turn) }).tokens([...toMessages(log.events), ...sent]);
  }

  /** Returns the events of a turn that is in the log. Rejects with StoreError. */
  async eventsOf(turnId: string): Promise<StoredEvent[]> {
    const settings = this.#parts.settings();
    return ownEvents(turnId, (await this.#read(settings, {}, turnId)).events);
  }

  /**
   * Runs the turn, or follows it on another host. Resolves when the turn has ended on any host. While the turn waits, calls `resume` for
   * each earlier turn that no host owns. Rejects if the turn cannot continue: with StoreError, or with RequestError `shutting_down` or
   * `not_found`.
   */
  drive(turn: LiveTurn, resume: (abandoned: AbandonedTurn) => void): Promise<void> {
    const { conversationId, questions, cluster } = this.#parts;
    return cluster.drive({
      conversationId,
      turn,
      run: (owned) => this.#run(turn, owned),
      resume,
      onStored: (event) => {
        if (event.type === "question") questions.openElsewhere(event.questionId, turn.turnId);
        if (event.type === "answer") questions.closeElsewhere(event.questionId);
      },
    });
  }

  /** Runs the turn. Resolves with undefined when it has ended, or with the mail for its new owner if another host has taken it over. */
  async #run(live: LiveTurn, owned: OwnedTurn): Promise<TurnMail[] | undefined> {
    const parts = { ...this.#parts }; // a copy, since `Session.equip` changes the servers of later turns only
    live.startRunning();
    try {
      const settings = parts.settings();
      const options = { ...(owned.lease.options as PromptOptions | null), ...live.permission };
      const log = owned.onlyEvent
        ? parts.logs.begin(parts.conversationId, owned.onlyEvent)
        : await this.#read(settings, options, live.turnId);
      await this.#forgetDeleted(live.turnId);
      using turn = new RunningTurn(parts, settings, live, owned, options, log);
      const mail = await this.#runOwned(turn);
      this.#title(turn);
      return mail;
    } finally {
      live.stopRunning();
    }
  }

  async #runOwned(turn: RunningTurn): Promise<TurnMail[] | undefined> {
    const { live, owned, turnId, writer } = turn;
    let hasBegun = false;
    try {
      await owned.begin(turn, (error) => {
        writer.stop(error);
        turn.abort();
      });
      hasBegun = true;
      try {
        await this.#runSteps(turn);
      } catch (error) {
        if (error instanceof StoreError || error instanceof RequestError) throw error;
        // An event of the conversation cannot be read, or the host has a fault. Without an end, the turn would block all later turns.
        await writer.store([{ type: "turn_error", turnId, error: errorInfo(error) }]);
      }
      return undefined;
    } catch (error) {
      const unwritten = writer.stop();
      turn.abort(); // stops tools that are still running, because their results could not be stored
      if (!(error instanceof StoreError && error.kind === "fenced")) throw error;
      if (live.state.at === "stored") return undefined;
      this.#parts.questions.openElsewhereOf(ownEvents(turnId, turn.log.events));
      if (hasBegun) live.publish({ type: "discard", reason: "another process continues this turn" });
      return mailFor(live, unwritten);
    }
  }

  /** Runs the whole turn. If a server or the model fails, the failure is stored as the end of the turn. Rejects if the log does. */
  async #runSteps(turn: RunningTurn): Promise<void> {
    const { turnId, live, owned, options, log, parts, signal, out } = turn;
    const { crashes } = owned.lease;
    const fail = (error: unknown) => out.store({ type: "turn_error", turnId, error: errorInfo(error) });
    if (options.endsWithCaller && !live.endsWithCaller) return fail(callerLost());
    if (crashes >= maxCrashes) return fail(tooManyCrashes(crashes));
    try {
      await parts.hub.offered(signal);
    } catch (error) {
      if (!signal.aborted) return fail(error);
      // The turn was cancelled. The call of `driveTurn` below then sends no request and ends the turn.
    }
    const lost = await owned.lostState({ events: log.events, processes: log.checkpoint?.processes ?? [] }, parts.hub);
    if (lost) await out.store(lost);
    for (const question of leftByServers(turn.own)) out.add(withdrawn(question));
    const prompt = new TurnPrompt(turn);
    const news = prompt.news();
    if (news) await out.store(news);
    const history = new TurnHistory(turn, prompt);
    await history.makeRoom(this.#compactNext);
    this.#compactNext = false;
    for (;;) {
      const ending = await driveTurn(turn, startOf(turn, prompt, history));
      if (!isTooLong(ending.at(-1))) return out.store(...ending);
      if (ending.length > 1) await out.store(...ending.slice(0, -1));
      if (!(await history.shorten())) return out.store(...ending.slice(-1));
    }
  }

  /** Begins a title for the conversation if the turn has ended well. The log is asked once in each session whether it has one. */
  #title(turn: RunningTurn): void {
    const last = turn.log.events.at(-1);
    const isAnswered = last?.turnId === turn.turnId && last.type === "turn_end" && last.stopReason === "end_turn";
    const isWanted = turn.options.isTitled && turn.settings.defaults.titles?.by === "model";
    if (this.#isTitled || !isWanted || !isAnswered) return;
    this.#isTitled = true;
    turn.parts.titles.begin((signal) => makeTitle(turn, signal));
  }

  /**
   * Drops the answers that hold for the session if the conversation was deleted, on any host, since they were given. A new conversation with the
   * same id does not contain the last turn that ran here.
   */
  async #forgetDeleted(turnId: string): Promise<void> {
    const { store, conversationId, memory } = this.#parts;
    if (memory.size > 0 && !(await store.turns.stateOf(conversationId, this.#lastTurnId))) memory.forgetSession();
    this.#lastTurnId = turnId;
  }

  /** Reads as much of the conversation as the model's window needs. All events of the turn `turnId` are among them. */
  #read({ llm }: TurnSettings, { model }: PromptOptions, turnId?: string): Promise<LogSince> {
    const mostTokens = windowsRead * windowOf(llm, model);
    return this.#parts.logs.read(this.#parts.conversationId, { mostTokens, turnId });
  }
}

/** Returns what the loop begins with: the present history, behind the system prompt. */
function startOf({ options, turnId, log }: RunningTurn, prompt: TurnPrompt, history: TurnHistory): LoopStart {
  const { messages, point } = history.fold();
  prompt.sends();
  return {
    messages: [{ role: "system", content: prompt.system() }, ...messages],
    resume: point,
    askedLimits: askedLimits(turnId, log.events),
    ...(options.bringsAll && { uncutTokens: prompt.tokens(messages) }),
  };
}

function windowOf(llm: TurnSettings["llm"], model: string | undefined): number {
  try {
    return llm.resolve(model).contextWindow;
  } catch {
    return Number.POSITIVE_INFINITY; // a model that cannot be used makes the turn fail later
  }
}

function isTooLong(event: ChatEvent | undefined): boolean {
  const kind: LlmErrorKind = "context_length";
  return event?.type === "turn_error" && event.error.kind === kind;
}

/** Returns the messages (mail) for the next owner of the turn: either the user's cancellation, or the answers that are not stored yet. */
function mailFor({ stop, closing, cancelMail }: LiveTurn, unwritten: readonly ChatEvent[]): TurnMail[] {
  if (stop.aborted && closing !== "parked") return [cancelMail];
  return unwritten.flatMap((event) =>
    event.type === "answer" ? [{ type: "answer", questionId: event.questionId, value: event.value }] : [],
  );
}

/** Returns the open questions of servers. Their calls have ended with the host that ran them, so nobody waits for the answers. */
function leftByServers(events: readonly StoredEvent[]): QuestionEvent[] {
  const answered = new Set(events.flatMap((event) => (event.type === "answer" ? [event.questionId] : [])));
  return events.filter(
    (event): event is EventOf<"question"> =>
      event.type === "question" &&
      (event.question.kind === "elicitation" || event.question.kind === "sampling") &&
      !answered.has(event.questionId),
  );
}

function withdrawn({ turnId, questionId }: QuestionEvent): ChatEvent {
  return { type: "answer", turnId, questionId, value: false, withdrawn: true };
}

/** Returns the error of a turn whose caller was connected to another host, which has ended or lost the turn. */
function callerLost(): RequestError {
  const message = "the turn was cancelled, because its caller's host lost it and the call has no request id";
  return new RequestError("cancelled", message, {
    hint: "send a request id: another host then continues the call",
  });
}

function tooManyCrashes(crashes: number): RequestError {
  const message = `this turn has crashed its host or broken off ${crashes} times, so it is not tried again`;
  return new RequestError("crashed", message, {
    hint: "check what its tools do; to try again anyway, send it under a new request_id",
  });
}

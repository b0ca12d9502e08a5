import type { LiveCursor } from "../core/cluster-port.js";
import type { LiveEvent, StoredEvent, TurnEvent } from "../core/events.js";
import { isOfSingleCall, requireOwnId, requireStorable } from "../core/ids.js";
import type { TurnName } from "../core/turn-leases.js";
import { type Prompt, type PromptAnswer, promptAnswer } from "./prompt-answer.js";
import { eventPages } from "./shared/event-pages.js";
import type { PromptRequest } from "./shared/prompt-options.js";
import { requirePatterns } from "./shared/rules.js";
import { type AbandonedListeners, AbandonedTurns } from "./turns/abandoned-turns.js";
import { ConversationTurns } from "./turns/conversation-turns.js";
import type { LiveTurn } from "./turns/live-turn.js";
import { Questions } from "./turns/questions.js";
import { SessionApprovals } from "./turns/session-approvals.js";
import type { ConversationParts, SessionParts } from "./turns/session-parts.js";
import { TurnControl } from "./turns/turn-control.js";
import { TurnRunner } from "./turns/turn-runner.js";

interface SessionListeners extends AbandonedListeners {
  /** Called when `isInUse`, `isBusy` or `remembers` may have changed. */
  onUse: () => void;
}

/** A conversation that a person or program uses. Its turns run one after another, in the order of their requests. */
export class Session {
  readonly #parts: ConversationParts;
  /** @internal */
  readonly questions = new Questions();
  /** @internal */
  readonly runner: TurnRunner;
  /** @internal */
  readonly turns: ConversationTurns;
  /** @internal */
  readonly control: TurnControl;
  readonly #on: SessionListeners;
  /** The turns of this conversation whose host is gone. */
  readonly abandoned: AbandonedTurns;
  #holds = 0;

  constructor(
    readonly id: string,
    parts: SessionParts,
    on: SessionListeners,
  ) {
    const own = { conversationId: id, questions: this.questions, granted: new Map<string, number>(), ...parts };
    this.#parts = Object.assign(own, { memory: new SessionApprovals(own) });
    this.#on = on;
    this.runner = new TurnRunner(this.#parts);
    this.turns = new ConversationTurns(this.#parts, this.runner, {
      onUse: on.onUse,
      onAbandoned: (waiting, turn) => void this.abandoned.takeOverBefore(waiting, turn),
    });
    this.abandoned = new AbandonedTurns(this.#parts, this.turns, on);
    this.control = new TurnControl(this.#parts, this.turns);
  }

  /** Sets the servers, the workspace, the folder and the project for later turns. */
  equip({ hub, workspace, folder, project }: Pick<SessionParts, "hub" | "workspace" | "folder" | "project">): void {
    Object.assign(this.#parts, { hub, workspace, folder, project });
  }

  /**
   * Yields the events of a request's turn. The request is submitted (`submit`) when the first event is requested, not before. The turn continues
   * if the caller leaves the loop; `cancel` and the request's `signal` end it.
   */
  prompt({ requestId = this.#parts.newId("req"), signal, ...options }: Prompt): PromptAnswer {
    return promptAnswer({ requestId, ...options }, async (request) => {
      signal?.throwIfAborted();
      const turn = await this.submit(request);
      if (signal) this.#cancelAt(signal, turn);
      return turn;
    });
  }

  #cancelAt(signal: AbortSignal, turn: LiveTurn): void {
    const cancel = () => void this.cancel(turn.requestId);
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel, { once: true });
    void turn.ended().finally(() => signal.removeEventListener("abort", cancel));
  }

  /**
   * Starts a turn, and resolves when the request is in the log. Each request id is answered only once. If the request is repeated while its
   * turn runs on any host, the caller gets the same turn from its start. If the request is repeated after the turn has ended, the caller
   * gets the stored events; but if it failed in a way that a repetition may fix (`stateAfter` returns `failed`), it is resumed. Rejects with
   * RequestError if an id or pattern is invalid, if the id was used with other content, if another request has followed the event that this
   * one continues, if this host has as many turns as it accepts, or, with `shutting_down`, if the session is closed. Rejects with
   * StoreError if the log cannot be read or written.
   */
  async submit(request: PromptRequest): Promise<LiveTurn> {
    const { requestId, text = "", content = [{ type: "text", text }], interrupt, isSingleCall } = request;
    requirePatterns(request);
    requireStorable(this.id, "the id of a conversation");
    requireStorable(requestId, "the id of a request");
    // `requireOwnId` tests `isOfSingleCall` too; the test here saves the read of the log for all other conversations.
    if (isOfSingleCall(this.id) && !isSingleCall && (await this.#parts.store.read(this.id, 1, 1)).length === 0) {
      requireOwnId(this.id);
    }
    const leaving = this.turns.departure(requestId);
    if (leaving) await leaving; // without this test, a host that closes in the same tick would refuse the request
    const running = this.turns.get(requestId);
    if (running) {
      running.requireContent(content);
      await this.turns.claimOf(running);
      return running;
    }
    const turn = await this.turns.start(request, content);
    // If this fails, the turn waits for the earlier turns as usual. A failure of the log is reported by the turn itself.
    if (interrupt && !turn.cached) await this.control.cancelBefore(turn.turnId).catch(() => {});
    return turn;
  }

  /**
   * Returns true if the log has more turns of this conversation that a host owns than this host runs, queues or shows. May miss a turn of another
   * host while a turn here has no owner yet. Rejects with StoreError.
   */
  async hasTurnsElsewhere(): Promise<boolean> {
    const unfinished = await this.#parts.store.archive.unfinished();
    const owned = unfinished.filter(({ conversationId, nodeId }) => conversationId === this.id && nodeId !== undefined);
    return owned.length > this.turns.count;
  }

  /**
   * Handles a turn that the queue has given (dispatched) to this host: runs it, or shows it if another host owns it. Resolves when the turn
   * neither runs nor waits here any more. Never rejects.
   */
  async take(given: TurnName): Promise<void> {
    const running = this.turns.get(given.requestId);
    if (running) await this.turns.claimOf(running).catch(() => {});
    const turn = running ?? (await this.turns.follow(given));
    if (!turn) return;
    turn.leaveQueue();
    if (!running) {
      turn.becomeGuest();
      this.#on.onResumed(turn);
    }
    this.#parts.cluster.wake(this.id);
    await turn.ended();
  }

  /** Answers a question. Returns false if the question is not open in any turn that runs or is shown here. */
  answer(questionId: string, value: unknown): boolean {
    return this.control.answer(questionId, value);
  }

  /**
   * With an id, cancels the turn of that request at once, even if it waits for earlier turns. Without an id, cancels all turns; the turns
   * then end in their order. Returns false if there was nothing to cancel. The log may have the cancellation only with the end of the turn:
   * where it is confirmed to a client, use `cancelAnywhere`. With `stopReason`, the turns end with this stop reason instead of `cancelled`.
   */
  cancel(requestId?: string, stopReason?: "budget"): boolean {
    return this.control.cancel(requestId, stopReason);
  }

  /**
   * Makes the turns that run or wait here ask about their further calls as in the approval mode `ask`. Another host that continues such a turn
   * does not know of it.
   */
  withdrawAuto(): void {
    for (const turn of this.turns.all()) turn.withdrawAuto();
  }

  /** Requests a summary of the older turns. The summary is made at the beginning of the next turn. */
  compactNext(): void {
    this.runner.compactNext();
    this.#on.onUse();
  }

  /** Shows an event to the watchers of all turns that run here. Drops the event if no turn runs here. */
  tell(event: LiveEvent): void {
    const turns = this.turns.all().filter(({ isRunning }) => isRunning);
    if (turns.length > 0) this.#parts.cluster.relay(this.id, event);
    for (const turn of turns) turn.publish(event);
  }

  /** Returns the events that the running turns on this host have shown after their last stored event. */
  happening(): TurnEvent[] {
    return this.turns.all().flatMap((turn) => (turn.isRunning ? turn.happening : []));
  }

  /**
   * Follows turns that run on other hosts. `lastSeq` is the number of the last stored event that the reader has. `onChange` is called when
   * the cursor has new events. Call `leave` to stop.
   */
  overhear(lastSeq: number, onChange: () => void): { cursor: LiveCursor; leave: () => void } {
    return this.#parts.cluster.follow(this.id, lastSeq, onChange);
  }

  /** Yields the stored events with `seq >= from` in pages. Rejects as `eventPages` does. */
  pages(from: number): AsyncGenerator<StoredEvent[]> {
    return eventPages(this.#parts.store, this.id, from);
  }

  history(): Promise<StoredEvent[]> {
    return this.#parts.store.read(this.id);
  }

  /**
   * Closes the session, so that it refuses new requests from now on, and stops all turns without storing an end for them. Another host resumes
   * them, or this one at its next start. Turns that end with their caller are cancelled.
   */
  park(): void {
    this.#stopAll((turn) => this.control.park(turn));
  }

  /**
   * Closes the session, as `park` does, and stops all turns because the host is closing. If no turn runs here, all turns are parked, so that other
   * hosts can resume them. If a turn runs here, turns that were requested on this host are cancelled, and turns that it got from the queue or a dead
   * host are parked. Turns that end with their caller are always cancelled.
   */
  leave(): void {
    const running = this.turns.all().find((turn) => turn.isRunning);
    this.#stopAll((turn) => {
      if (!running || turn.isGuest) this.control.park(turn);
      else if (running.isGuest) turn.leaveOutOfTurn();
      else turn.leave();
    });
  }

  #stopAll(stop: (turn: LiveTurn) => void): void {
    this.turns.close();
    for (const turn of this.turns.all()) {
      if (turn.endsWithCaller) turn.leaveOutOfTurn();
      else stop(turn);
    }
    this.#parts.cluster.wake(this.id);
  }

  /**
   * Returns true if the turn of this request runs or waits here. After the session has closed, returns true for every request. Otherwise
   * the cluster would take the parked turns for stuck ones and release their leases at once: it must release them only when it closes.
   */
  has(requestId: string): boolean {
    return this.turns.isClosed || this.turns.has(requestId);
  }

  /** True while a turn runs, waits or is shown here. */
  get isBusy(): boolean {
    return this.turns.count > 0;
  }

  /**
   * Keeps the session in memory, even between turns. Retention then does not delete its conversation. Call the returned function to stop.
   */
  hold(): () => void {
    this.#holds++;
    this.#on.onUse();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds--;
      this.#on.onUse();
    };
  }

  /** True while a turn runs, waits or is shown here, or a caller listens to the session or holds it. */
  get isInUse(): boolean {
    return this.#holds > 0 || this.isBusy || this.turns.isFollowed;
  }

  /**
   * Numbers of turns on this host. `running` counts the turns that run here. `waiting` counts the turns that wait here, and those that run
   * on another host but are shown here.
   */
  get turnCounts(): { running: number; waiting: number } {
    const turns = this.turns.all();
    const running = turns.filter(({ isRunning }) => isRunning).length;
    return { running, waiting: turns.length - running };
  }
}

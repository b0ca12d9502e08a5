import { setTimeout as sleep } from "node:timers/promises";
import { longestTimerMs } from "../core/async/timers.js";
import type { ConversationPage, ConversationQuery } from "../core/chat-store.js";
import type { Cluster, LocalTurns } from "../core/cluster-port.js";
import type { StoredEvent } from "../core/events.js";
import type { HostState } from "../core/measurements.js";
import type { ApprovalMemory, Observe, ServerStatus } from "../core/ports.js";
import { Conversations } from "./conversations/conversations.js";
import { KnownLogs } from "./conversations/known-logs.js";
import { type ListChange, ListChanges, watchList } from "./conversations/list-watch.js";
import { Retention, type RetentionRules } from "./conversations/retention.js";
import { LiveSessions } from "./live-sessions.js";
import { Session } from "./session.js";
import { DaySpent } from "./shared/day-spent.js";
import { eventPages } from "./shared/event-pages.js";
import { LeftTurns } from "./turns/abandoned-turns.js";
import type { LiveTurn } from "./turns/live-turn.js";
import { SessionApprovals } from "./turns/session-approvals.js";
import type { SessionParts } from "./turns/session-parts.js";
import { Titles } from "./turns/titles.js";
import { TurnCapacity } from "./turns/turn-capacity.js";

export interface SessionsParts
  extends Omit<
    SessionParts,
    "capacity" | "cluster" | "conversations" | "daySpent" | "listChanges" | "logs" | "titles"
  > {
  /** Creates the cluster, which connects this host to the other hosts on the log. */
  join: (local: LocalTurns) => Cluster;
  observe: Observe;
  now: () => number;
  /** Returns the maximum number of turns on this host. Default: no maximum. */
  maxTurns?: () => number;
  /** Rules that say which conversations `startUpkeep` deletes. Default: none are deleted. */
  retention?: RetentionRules;
}

type ResumedListener = (turn: LiveTurn, session: Session) => void;

export class Sessions {
  /** All conversations in the log, even if they are not open on this host. */
  readonly conversations: Conversations;
  readonly #parts: SessionParts;
  readonly #retention: Retention;
  readonly #live = new LiveSessions((conversationId) => this.#newSession(conversationId));
  #onResumed: ResumedListener = () => {};
  /** Returns the ids of the conversations whose turns this host takes over. Undefined: all. */
  #only: (() => Iterable<string>) | undefined;
  readonly #left: LeftTurns;
  readonly #titles = new Titles();
  #isClosing = false;

  constructor({ join, observe, now, maxTurns, retention = {}, ...parts }: SessionsParts) {
    const { store, newId } = parts;
    const cluster = join({
      isBusy: (conversationId) =>
        conversationId === undefined ? this.#live.busy.size > 0 : (this.#live.find(conversationId)?.isBusy ?? false),
      has: ({ conversationId, requestId }) => this.#live.find(conversationId)?.has(requestId) ?? false,
      abandoned: (turn) => {
        if (!this.#left.wasJustLeft(turn)) void this.open(turn.conversationId).abandoned.takeOver(turn);
      },
      swept: () => this.#takeOverOnly(),
      given: (turn) => this.open(turn.conversationId).take(turn),
      mail: (conversationId, turnId, mail) => this.#live.find(conversationId)?.control.receive(turnId, mail),
    });
    this.#left = new LeftTurns({ observe, now });
    const listChanges = new ListChanges();
    const changed = (conversationId: string) => listChanges.happened(conversationId);
    const hasOnlyOwnTitles = () => parts.settings().defaults.titles?.by === "off";
    this.conversations = new Conversations({ store, hosts: cluster, newId, changed, hasOnlyOwnTitles });
    const isOpen = (conversationId: string) => this.#live.isKept(conversationId);
    this.#retention = new Retention({ store, rules: retention, isOpen, now, observe });
    this.#parts = {
      ...parts,
      capacity: new TurnCapacity(maxTurns ?? (() => Number.POSITIVE_INFINITY)),
      logs: new KnownLogs(store),
      daySpent: new DaySpent(store, store.now ?? now),
      titles: this.#titles,
      conversations: this.conversations,
      listChanges,
      cluster,
    };
  }

  /**
   * Returns the session of a conversation. While the session is in use, this is always the same object. A caller that needs the same object
   * between turns must call `Session.hold`. Without an id, starts a new conversation.
   */
  open(conversationId = this.#parts.newId("conv")): Session {
    return this.#live.open(conversationId);
  }

  find(conversationId: string): Session | undefined {
    return this.#live.find(conversationId);
  }

  /** Returns the user's stored answers about tools, with room for answers that hold only as long as the caller uses the returned object. */
  approvals(): ApprovalMemory {
    return new SessionApprovals(this.#parts);
  }

  /** Returns at most `most` of the stored events with `seq >= from`, without opening a session. Rejects with StoreError. */
  history(conversationId: string, from?: number, most?: number): Promise<StoredEvent[]> {
    return this.#parts.store.read(conversationId, from, most);
  }

  /** Returns the last `most` of the stored events with `seq < before`, without opening a session. Rejects with StoreError. */
  historyBefore(conversationId: string, before: number, most: number): Promise<StoredEvent[]> {
    return this.#parts.store.readBefore(conversationId, before, most);
  }

  /** Yields the stored events with `seq >= from` in pages, without opening a session. Rejects with StoreError. */
  pages(conversationId: string, from?: number): AsyncGenerator<StoredEvent[]> {
    return eventPages(this.#parts.store, conversationId, from);
  }

  /**
   * Waits until no turn of the session runs, then drops the session. This method is only for a session that no other caller uses. Data that
   * is not in the log is lost, such as answers for this session.
   */
  async forget(session: Session): Promise<void> {
    await session.turns.idle();
    if (!session.isBusy) this.#live.forget(session);
  }

  /**
   * Deletes the conversation and its versions for good. Rejects with RequestError if it does not exist or has a running or waiting turn, and with
   * StoreError.
   */
  async delete(conversationId: string): Promise<void> {
    for (const id of await this.#parts.conversations.delete(conversationId)) {
      this.#parts.logs.forget(id);
      const session = this.#live.find(id);
      if (session) this.#live.forget(session);
    }
  }

  /**
   * Resumes the turns of this workspace that lost hosts have left, now and whenever a host is lost. If this method is not called, such a
   * turn is resumed only when a request for its conversation comes. `only` returns the ids of the conversations to which this is limited. Rejects
   * with StoreError.
   */
  recover(only = this.#only): Promise<void> {
    this.#only = only;
    return this.#parts.cluster.recover({ takesAny: only === undefined });
  }

  /**
   * Starts what hosts that run for a long time do beside the turns: deletes conversations that exceed the limits of retention, now and then
   * every hour.
   */
  startUpkeep(): void {
    this.#retention.start();
  }

  changeRetention(rules: RetentionRules): void {
    this.#retention.change(rules);
  }

  /** Returns the ids of the conversations in this workspace with an unfinished turn that no host owns. Rejects with StoreError. */
  async unfinished(): Promise<string[]> {
    const { cluster, store } = this.#parts;
    await cluster.begin();
    const turns = await store.turns.abandoned({ workspace: cluster.workspace });
    return [...new Set(turns.map(({ conversationId }) => conversationId))];
  }

  /**
   * Sets the listener, which is called when this host resumes a turn that was not requested on it. The listener replaces the previous one.
   */
  onResumed(listener: ResumedListener): void {
    this.#onResumed = listener;
  }

  /** Returns a page of the conversations in the log. Rejects with StoreError. */
  list(query: ConversationQuery): Promise<ConversationPage> {
    return this.conversations.page(query);
  }

  /** Yields the latest conversations and every later change of the list, until the signal aborts. Rejects with StoreError. */
  watchList(signal: AbortSignal): AsyncGenerator<ListChange> {
    const { store, listChanges, conversations } = this.#parts;
    return watchList({ store, conversations }, listChanges, signal);
  }

  /**
   * Cancels the turn of a request on any host. Without a request id, cancels all turns of the conversation. Resolves when the cancellation
   * is in the log, with false if there was nothing to cancel. Rejects with StoreError.
   */
  async cancel(conversationId: string, requestId?: string): Promise<boolean> {
    return this.open(conversationId).control.cancelAnywhere(requestId);
  }

  /** Answers a question of a turn on any host. Resolves with false if the question is not open. Rejects with StoreError. */
  answer(conversationId: string, questionId: string, value: unknown): Promise<boolean> {
    return this.open(conversationId).control.answerAnywhere(questionId, value);
  }

  /** Publishes the new state of a server to every running turn. */
  serverChanged({ name: server, state, reason }: ServerStatus): void {
    for (const session of this.#live.busy) session.tell({ type: "server_status", server, state, reason });
  }

  get load(): HostState["turns"] {
    const counts = [...this.#live.busy].map(({ turnCounts }) => turnCounts);
    const sum = (of: "running" | "waiting") => counts.reduce((total, count) => total + count[of], 0);
    return { sessions: this.#live.keptCount, running: sum("running"), waiting: sum("waiting") };
  }

  /**
   * Checks that the log can be read and takes writes, because every turn needs both. Resolves with undefined if so, or else with the problem
   * as text. The text does not quote the log's own error, because not every reader of the text is allowed to see that error.
   */
  async logProblem(withinMs: number): Promise<string | undefined> {
    const late = new AbortController();
    const silent = `the event log did not answer within ${withinMs} ms`;
    const inTime = sleep(withinMs, silent, { signal: late.signal }).catch(() => undefined);
    const reading = this.#parts.store.check().then(
      ({ isReadOnly }) => (isReadOnly ? "the event log cannot be written" : this.#writeProblem()),
      () => "the event log cannot be read",
    );
    const reason = await Promise.race([reading, inTime]);
    late.abort();
    return reason;
  }

  /** True once the host is closing and refuses requests. */
  get isDraining(): boolean {
    return this.#isClosing;
  }

  /**
   * Closes the host. First refuses further requests, and gives the running turns `withinMs` to end. Turns that have not ended by then are
   * resumed at the next start.
   */
  async drain(withinMs: number): Promise<void> {
    this.#isClosing = true;
    for (const session of this.#live.all()) session.turns.close();
    const late = new AbortController();
    const inTime = sleep(Math.min(withinMs, longestTimerMs), undefined, { signal: late.signal }).catch(() => {});
    await Promise.race([this.#parts.cluster.retire().then(() => this.#idle()), inTime]);
    late.abort();
    for (const session of this.#live.all()) session.park();
    await this.#end();
  }

  /** Closes the host. Stops its turns as `Session.leave` does, and resolves when everything is stored and closed. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const session of this.#live.all()) session.leave();
    await this.#end();
  }

  #takeOverOnly(): void {
    // A failure of the log is reported by the sweep, which repeats.
    for (const id of this.#only?.() ?? [])
      this.open(id)
        .abandoned.takeOverAll({ byItself: true })
        .catch(() => {});
  }

  #newSession(conversationId: string): Session {
    const session: Session = new Session(conversationId, this.#parts, {
      onResumed: (turn) => this.#onResumed(turn, session),
      left: this.#left,
      onUse: () => this.#live.used(session),
    });
    if (this.#isClosing) session.turns.close();
    return session;
  }

  #writeProblem(): string | undefined {
    const { writeError } = this.#parts.cluster;
    const causes = { full: ": its disk is full", open: ": its file was deleted or replaced" };
    return writeError && `the event log cannot be written${causes[writeError.kind as keyof typeof causes] ?? ""}`;
  }

  /** Waits for the running turns, then closes everything. The caller has already refused new turns. */
  async #end(): Promise<void> {
    await this.#idle();
    await this.#titles.close();
    this.#retention.close();
    await this.#parts.cluster.close();
  }

  async #idle(): Promise<void> {
    await Promise.all(this.#live.all().map((session) => session.turns.idle()));
  }
}

/** The turns of one conversation that run, wait or are shown on this host. */

import { RequestError } from "../../core/errors.js";
import { isTurnEnd, type StoredEvent, type TurnEvent, type UserMessageEvent } from "../../core/events.js";
import type { ContentPart } from "../../core/messages.js";
import type { AbandonedTurn, TurnName } from "../../core/turn-leases.js";
import type { PromptOptions, PromptRequest } from "../shared/prompt-options.js";
import { LiveTurn } from "./live-turn.js";
import type { ConversationParts } from "./session-parts.js";
import type { TurnRunner } from "./turn-runner.js";

/** Types of the stored events that change what lists show of the conversation. */
const changesList = new Set<string>(["user_message", "question", "answer", "turn_end", "turn_error"]);

interface TurnListeners {
  /** Called when `count` or `isFollowed` may have changed. */
  onUse: () => void;
  /** Called with an earlier turn that no host owns, for which a turn here waits. */
  onAbandoned: (waiting: LiveTurn, abandoned: AbandonedTurn) => void;
}

export class ConversationTurns {
  readonly #parts: ConversationParts;
  readonly #runner: TurnRunner;
  readonly #on: TurnListeners;
  /** The keys are request ids. */
  readonly #turns = new Map<string, LiveTurn>();
  /** Turns whose request is being written to the log. The values are the promises of these writes. */
  readonly #claims = new Map<LiveTurn, Promise<void>>();
  readonly #driven = new Map<LiveTurn, Promise<void>>();
  readonly #listeners = new Set<(event: TurnEvent) => void>();
  #isClosed = false;

  constructor(parts: ConversationParts, runner: TurnRunner, on: TurnListeners) {
    this.#parts = parts;
    this.#runner = runner;
    this.#on = on;
  }

  get count(): number {
    return this.#turns.size;
  }

  get isFollowed(): boolean {
    return this.#listeners.size > 0;
  }

  has(requestId: string): boolean {
    return this.#turns.has(requestId);
  }

  get(requestId: string): LiveTurn | undefined {
    return this.#turns.get(requestId);
  }

  find(turnId: string): LiveTurn | undefined {
    return this.all().find((turn) => turn.turnId === turnId);
  }

  all(): LiveTurn[] {
    return [...this.#turns.values()];
  }

  /** Refuses further turns. Turns that run continue. */
  close(): void {
    this.#isClosed = true;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Waits while the request of the turn is being stored. Rejects if it could not be stored. Resolves at once if the request is not being
   * stored now.
   */
  async claimOf(turn: LiveTurn): Promise<void> {
    await this.#claims.get(turn);
  }

  /**
   * If the end of the request's turn is in the log, returns a promise that resolves when the turn has left this host. The log then decides what a
   * repeated request gets: the stored answer, or a new run after an error that permits one. Returns undefined for any other request.
   */
  departure(requestId: string): Promise<void> | undefined {
    const turn = this.get(requestId);
    return turn?.state.at === "stored" ? this.#driven.get(turn) : undefined;
  }

  /** Resolves when no request is being written here, and no turn runs or is followed here. */
  async idle(): Promise<void> {
    while (this.#driven.size + this.#claims.size > 0) {
      await Promise.allSettled([...this.#claims.values(), ...this.#driven.values()]);
    }
  }

  /**
   * Calls the listener once for every event of the turns that run or are shown here. Call the returned function to stop. Events from other
   * hosts may come late and out of order.
   */
  listen(listener: (event: TurnEvent) => void): () => void {
    this.#listeners.add(listener);
    this.#on.onUse();
    return () => {
      this.#listeners.delete(listener);
      this.#on.onUse();
    };
  }

  /** Starts a turn that was requested here. Resolves once the request is in the log. Rejects with RequestError or StoreError. */
  async start(request: PromptRequest, content: readonly ContentPart[]): Promise<LiveTurn> {
    this.#parts.capacity.requireRoom(this.count);
    const turn = this.#begin(new LiveTurn(request, content, this.#onEvent));
    const claim = this.#claim(turn, request)
      .then(
        () => (turn.cached ? this.#finish(turn) : this.#drive(turn)),
        (error: unknown) => {
          this.#finish(turn, { error });
          throw error;
        },
      )
      .finally(() => this.#claims.delete(turn));
    this.#claims.set(turn, claim);
    await claim;
    return turn;
  }

  /**
   * Follows a turn that runs on another host or is in the queue, which gives turns to hosts. The turn is then shown on this host. Resolves
   * with undefined if the turn has ended or the log cannot be read. Never rejects.
   */
  follow(turn: TurnName): Promise<LiveTurn | undefined> {
    const { conversationId, store } = this.#parts;
    const isUnfinished = async () => (await store.turns.stateOf(conversationId, turn.turnId))?.isUnfinished ?? false;
    return this.join(turn, isUnfinished, (joined) => joined.enterQueue());
  }

  /**
   * Shows and drives a turn that is already in the log. Calls `isOpen` only after it has read the log, so that no end of the turn is
   * missed. Resolves with undefined if the turn is known here, is not open, or cannot be read. Never rejects.
   */
  async join(
    { turnId, requestId }: TurnName,
    isOpen: (events: readonly StoredEvent[]) => Promise<boolean>,
    onJoined: (turn: LiveTurn) => void,
  ): Promise<LiveTurn | undefined> {
    if (this.has(requestId)) return undefined;
    const own = await this.#runner
      .eventsOf(turnId)
      .then(async (events) => ((await isOpen(events)) ? events : []))
      .catch(() => []);
    const [first] = own;
    if (first?.type !== "user_message" || this.has(requestId) || this.#isClosed) return undefined;
    const { content, model } = first;
    const turn = this.#begin(new LiveTurn({ requestId, model }, content, this.#onEvent));
    turn.claimed(turnId);
    this.#show(turn, own);
    onJoined(turn);
    this.#drive(turn);
    return turn;
  }

  readonly #onEvent = (event: TurnEvent): void => {
    for (const listener of this.#listeners) listener(event);
    if (changesList.has(event.type) && "seq" in event) this.#parts.listChanges.happened(this.#parts.conversationId);
  };

  #begin(turn: LiveTurn): LiveTurn {
    this.#turns.set(turn.requestId, turn);
    this.#parts.capacity.begun();
    this.#on.onUse();
    return turn;
  }

  async #claim(turn: LiveTurn, request: PromptRequest): Promise<void> {
    if (this.#isClosed) throw new RequestError("shutting_down", "the host is closing", { retryable: true });
    const { conversationId, cluster, newId, workspace = cluster.workspace, folder } = this.#parts;
    await cluster.begin();
    const { requestId, continues, history, resultIds, asked, model } = request;
    const message: UserMessageEvent = {
      type: "user_message",
      turnId: newId("turn"),
      requestId,
      content: [...turn.content],
      history,
      resultIds,
      asked,
      answerSchema: request.bringsAll ? undefined : request.output?.jsonSchema,
      model,
    };
    const options = storedOptions(request);
    const claim = await cluster.claim(conversationId, message, { options, workspace, folder, continues });
    turn.claimed(claim.turnId, !claim.created && claim.ended);
    this.#show(turn, claim.events);
  }

  #show(turn: LiveTurn, events: readonly StoredEvent[]): void {
    if (!turn.cached) this.#parts.questions.openElsewhereOf(events);
    for (const event of turn.cached ? eventsThatCount(events) : events.filter(stillHolds)) turn.publish(event);
    turn.skipTo(events.at(-1)?.seq ?? 0);
  }

  #drive(turn: LiveTurn): void {
    const driven = this.#runner
      .drive(turn, (abandoned) => this.#on.onAbandoned(turn, abandoned))
      .then(
        () => this.#finish(turn),
        (error: unknown) => this.#finish(turn, { error }),
      )
      .finally(() => this.#driven.delete(turn));
    this.#driven.set(turn, driven);
  }

  #finish(turn: LiveTurn, failure?: { error: unknown }): void {
    const { conversationId, capacity, questions, cluster } = this.#parts;
    if (this.#turns.delete(turn.requestId)) capacity.ended();
    this.#on.onUse();
    questions.forget(turn.turnId);
    turn.end(failure);
    if (failure) cluster.wake(conversationId); // a later turn, which waits for this turn to end, may now resume it
  }
}

/**
 * Returns the options that are stored with the turn. The permission of the caller (`approval: auto`, `allow`) is not among them: another host
 * that continues the turn may have other servers under the same names, so it decides by its own rules.
 */
function storedOptions(request: PromptRequest): PromptOptions {
  const { requestId, text, content, interrupt, continues, isSingleCall, history, resultIds, asked, ...given } = request;
  const { approval, allow, ...options } = given;
  return { ...options, ...(approval === "ask" && { approval }) };
}

/**
 * Returns the events of a turn that has ended as if it had never failed in between: without errors from which it recovered, and without
 * answers that broke off and were given again.
 */
function eventsThatCount(events: readonly StoredEvent[]): StoredEvent[] {
  const end = events.findLastIndex(isTurnEnd);
  const answer = events.findLastIndex(({ type }) => type === "assistant_message");
  return events.filter((event, index) => stillHolds(event) || index === end || index === answer);
}

/**
 * Returns true if the event is still valid when the turn is resumed. Returns false for the error from which the turn recovers, and for an
 * answer that broke off.
 */
function stillHolds(event: StoredEvent): boolean {
  return event.type !== "turn_error" && !(event.type === "assistant_message" && event.interrupted);
}

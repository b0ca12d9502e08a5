/** Starts turns of a conversation on this host: turns that are requested here, and turns that are taken over from another host. */

import type { ClaimOptions } from "../../core/cluster-port.js";
import { RequestError } from "../../core/errors.js";
import { isTurnEnd, type StoredEvent, type UserMessageEvent } from "../../core/events.js";
import type { TurnName } from "../../core/turn-leases.js";
import type { PromptOptions } from "../shared/prompt-options.js";
import type { LiveTurn } from "./live-turn.js";
import type { Questions } from "./questions.js";
import type { SessionParts } from "./session-parts.js";
import type { TurnRunner } from "./turn-runner.js";
import type { TurnsHere } from "./turns-here.js";

interface TurnIntakeParts {
  conversationId: string;
  session: SessionParts;
  turns: TurnsHere;
  questions: Questions;
  runner: TurnRunner;
  onResumed: (turn: LiveTurn) => void;
  onLeft: (turn: TurnName) => void;
}

/** Parts of a request that are stored in addition to its id and content. */
type BesideContent = Partial<Pick<UserMessageEvent, "history" | "resultIds" | "asked" | "answerSchema" | "model">>;

interface StartOptions extends Pick<ClaimOptions, "continues"> {
  beside: BesideContent;
  options: PromptOptions;
}

export class TurnIntake {
  readonly #parts: TurnIntakeParts;
  #isClosed = false;

  constructor(parts: TurnIntakeParts) {
    this.#parts = parts;
  }

  close(): void {
    this.#isClosed = true;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Starts a turn that was requested here. Resolves once the request is in the log. Rejects with RequestError or StoreError. */
  async start(turn: LiveTurn, start: StartOptions): Promise<void> {
    try {
      await this.#claim(turn, start);
    } catch (error) {
      this.#finish(turn, { error });
      throw error;
    }
    if (turn.cached) this.#finish(turn);
    else this.#drive(turn);
  }

  /**
   * Resumes a turn that no host owns. Leaves it to other hosts if this host cannot ask a model in its place, or would ask the demo
   * model, although it has given no answer in this turn so far.
   */
  takeOver(abandoned: TurnName): Promise<LiveTurn | undefined> {
    const isOfDemo = (event: StoredEvent) => event.type === "assistant_message" && event.provider === "demo";
    return this.#resume(abandoned, (events) => {
      const provider = this.#providerFor(events);
      return provider !== undefined && (provider !== "demo" || events.some(isOfDemo));
    });
  }

  /**
   * Resumes a turn that no host owns, because a turn of this host waits for it. Leaves it to other hosts if this host cannot ask a model for either
   * of the two. If it can answer the waiting turn, the person goes on here, and the lost turn may fail.
   */
  #resumeBefore(waiting: LiveTurn, abandoned: TurnName): Promise<LiveTurn | undefined> {
    return this.#resume(abandoned, (events) => {
      return this.#providerFor(events) !== undefined || this.#provider(waiting.model) !== undefined;
    });
  }

  #resume(abandoned: TurnName, canAnswer: (events: readonly StoredEvent[]) => boolean): Promise<LiveTurn | undefined> {
    const { conversationId, session, onResumed, onLeft } = this.#parts;
    const isAbandoned = async (events: readonly StoredEvent[]) => {
      const turns = await session.store.turns.abandoned({ conversationId });
      if (!turns.some(({ turnId }) => turnId === abandoned.turnId)) return false;
      if (canAnswer(events)) return true;
      onLeft(abandoned);
      return false;
    };
    return this.#join(abandoned, isAbandoned, (turn) => {
      turn.isGuest = true;
      onResumed(turn);
    });
  }

  /**
   * Follows a turn that runs on another host or is in the queue, which gives turns to hosts. The turn is then shown on this host. Resolves
   * with undefined if the turn has ended or the log cannot be read. Never rejects.
   */
  follow(turn: TurnName): Promise<LiveTurn | undefined> {
    const { conversationId, session } = this.#parts;
    const isUnfinished = async () =>
      (await session.store.turns.stateOf(conversationId, turn.turnId))?.isUnfinished ?? false;
    return this.#join(turn, isUnfinished, (joined) => {
      joined.become("queued");
    });
  }

  async #claim(turn: LiveTurn, { beside, options, continues }: StartOptions): Promise<void> {
    if (this.#isClosed) throw new RequestError("shutting_down", "the host is closing", { retryable: true });
    const { conversationId, session } = this.#parts;
    const { cluster, newId, workspace, folder } = session;
    await cluster.begin();
    const { requestId, content } = turn;
    const message = {
      type: "user_message" as const,
      turnId: newId("turn"),
      requestId,
      content: [...content],
      ...beside,
    };
    const request = { options: keepPermission(turn, options), workspace, folder, continues };
    const { created, turnId, ended, events } = await cluster.claim(conversationId, message, request);
    turn.cached = !created && ended;
    turn.become("waiting");
    this.#show(turn, turnId, events);
  }

  /**
   * Shows and drives a turn that is already in the log. Calls `isOpen` only after it has read the log, so that no end of the turn is
   * missed.
   */
  async #join(
    { turnId, requestId }: TurnName,
    isOpen: (events: readonly StoredEvent[]) => Promise<boolean>,
    onJoined: (turn: LiveTurn) => void,
  ): Promise<LiveTurn | undefined> {
    const { runner, turns } = this.#parts;
    if (turns.has(requestId)) return undefined;
    const own = await runner
      .eventsOf(turnId)
      .then(async (events) => ((await isOpen(events)) ? events : []))
      .catch(() => []);
    const [first] = own;
    if (first?.type !== "user_message" || turns.has(requestId) || this.#isClosed) return undefined;
    const turn = turns.begin(requestId, first.content);
    turn.model = first.model;
    this.#show(turn, turnId, own);
    turn.become("waiting");
    onJoined(turn);
    this.#drive(turn);
    return turn;
  }

  #providerFor(events: readonly StoredEvent[]): string | undefined {
    return this.#provider(events.find((event) => event.type === "user_message")?.model);
  }

  /** Returns the provider that this host asks for the model. Undefined if it cannot ask it, for example without a key. */
  #provider(model: string | undefined): string | undefined {
    using settings = this.#parts.session.settings();
    try {
      return settings.orchestrator.facts(model).provider;
    } catch {
      return undefined;
    }
  }

  #show(turn: LiveTurn, turnId: string, events: readonly StoredEvent[]): void {
    turn.turnId = turnId;
    if (!turn.cached) this.#parts.questions.openElsewhereOf(events);
    for (const event of turn.cached ? eventsThatCount(events) : events.filter(stillHolds)) turn.publish(event);
    turn.skipTo(events.at(-1)?.seq ?? 0);
  }

  #drive(turn: LiveTurn): void {
    const driving = this.#parts.runner
      .drive(turn, (abandoned) => void this.#resumeBefore(turn, abandoned))
      .then(
        () => this.#finish(turn),
        (error: unknown) => this.#finish(turn, { error }),
      );
    this.#parts.turns.drive(driving);
  }

  #finish(turn: LiveTurn, failure?: { error: unknown }): void {
    const { conversationId, session, turns, questions } = this.#parts;
    turns.remove(turn);
    questions.forget(turn.turnId);
    turn.end(failure);
    if (failure) session.cluster.wake(conversationId); // a later turn, which waits for this turn to end, may now resume it
  }
}

/**
 * Keeps the permission of the caller (`--yes`, `--allow`) with the turn on this host, and returns the options without it. Another host that
 * continues the turn may have other servers under the same names, so it decides by its own rules.
 */
function keepPermission(turn: LiveTurn, { approval, allow, ...options }: PromptOptions): PromptOptions {
  turn.permission = { ...(approval && { approval }), ...(allow && { allow }) };
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

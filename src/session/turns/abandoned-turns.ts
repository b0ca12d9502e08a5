import type { StoredEvent } from "../../core/events.js";
import type { Observe } from "../../core/ports.js";
import { type AbandonedTurn, isResumedIn, type TurnName } from "../../core/turn-leases.js";
import type { ConversationTurns } from "./conversation-turns.js";
import type { LiveTurn } from "./live-turn.js";
import type { ConversationParts } from "./session-parts.js";

export interface AbandonedListeners {
  /** Called when this host resumes a turn that was not requested on this host. */
  onResumed: (turn: LiveTurn) => void;
  left: LeftTurns;
}

/** The unfinished turns of a conversation that no host owns: their host died, lost them, or was closed. */
export class AbandonedTurns {
  readonly #parts: ConversationParts;
  readonly #turns: ConversationTurns;
  readonly #on: AbandonedListeners;

  constructor(parts: ConversationParts, turns: ConversationTurns, on: AbandonedListeners) {
    this.#parts = parts;
    this.#turns = turns;
    this.#on = on;
  }

  /**
   * Resumes these turns here. Skips turns in the queue, because the queue will give them to a host. With `byItself`
   * (the periodic search, not a person who opens the conversation), also skips turns of other workspaces (`isResumedIn`), and turns that this host
   * could not answer when it tried less than a minute ago. Rejects with StoreError.
   */
  async takeOverAll({ byItself = false } = {}): Promise<LiveTurn[]> {
    const { cluster, workspace = cluster.workspace } = this.#parts;
    // Turns of both workspaces can run here: the session has the servers of both.
    const isOwn = (turn: AbandonedTurn) =>
      [workspace, cluster.workspace].some((own) => isResumedIn(own, turn.workspace));
    await cluster.begin();
    const mayResume = (turn: AbandonedTurn) =>
      !cluster.isDispatched(turn) && (!byItself || (isOwn(turn) && !this.#on.left.wasJustLeft(turn)));
    const resumed: LiveTurn[] = [];
    for (const abandoned of await this.#list()) {
      const turn = mayResume(abandoned) ? await this.takeOver(abandoned) : undefined;
      if (turn) resumed.push(turn);
    }
    return resumed;
  }

  /**
   * Resumes one of these turns here. Resolves with undefined if a host owns the turn by now, the turn has ended, or the log cannot be read. Leaves
   * the turn to other hosts if this host cannot ask a model in its place, or would ask the demo model, although it has given no answer in this
   * turn so far. Never rejects.
   */
  takeOver(abandoned: TurnName): Promise<LiveTurn | undefined> {
    const isOfDemo = (event: StoredEvent) => event.type === "assistant_message" && event.provider === "demo";
    return this.#resume(abandoned, (events) => {
      const provider = this.#providerFor(events);
      return provider !== undefined && (provider !== "demo" || events.some(isOfDemo));
    });
  }

  /**
   * Resumes one of these turns, because a turn of this host waits for it. Leaves it to other hosts if this host cannot ask a model for either
   * of the two. If it can answer the waiting turn, the person goes on here, and the lost turn may fail. Never rejects.
   */
  takeOverBefore(waiting: LiveTurn, abandoned: TurnName): Promise<LiveTurn | undefined> {
    return this.#resume(abandoned, (events) => {
      return this.#providerFor(events) !== undefined || this.#provider(waiting.model) !== undefined;
    });
  }

  /**
   * Rejects with LlmError if this host cannot ask `model` and the conversation has abandoned turns. Call it before `submit`: the request might
   * wait for these turns without end, because this host resumes them only if it can ask `model` or the model of the abandoned turn. That model is
   * not checked here. Rejects with StoreError.
   */
  async requireModel(model?: string): Promise<void> {
    try {
      const settings = this.#parts.settings();
      settings.llm.resolve(model);
    } catch (error) {
      if ((await this.#list()).length > 0) throw error;
    }
  }

  #list(): Promise<AbandonedTurn[]> {
    const { conversationId, store } = this.#parts;
    return store.turns.abandoned({ conversationId });
  }

  #resume(abandoned: TurnName, canAnswer: (events: readonly StoredEvent[]) => boolean): Promise<LiveTurn | undefined> {
    const isAbandoned = async (events: readonly StoredEvent[]) => {
      if (!(await this.#list()).some(({ turnId }) => turnId === abandoned.turnId)) return false;
      if (canAnswer(events)) return true;
      this.#on.left.note(abandoned);
      return false;
    };
    return this.#turns.join(abandoned, isAbandoned, (turn) => {
      turn.becomeGuest();
      this.#on.onResumed(turn);
    });
  }

  #providerFor(events: readonly StoredEvent[]): string | undefined {
    return this.#provider(events.find((event) => event.type === "user_message")?.model);
  }

  /** Returns the provider that this host asks for the model. Undefined if it cannot ask it, for example without a key. */
  #provider(model: string | undefined): string | undefined {
    const settings = this.#parts.settings();
    try {
      return settings.llm.resolve(model).provider.name;
    } catch {
      return undefined;
    }
  }
}

/** Time in ms after which this host looks again whether it can ask a model in place of a turn's lost host: it may have got a key. */
const lookAgainMs = 60_000;

/** The turns of lost hosts that this host leaves to others, because it cannot ask a model in their place. */
export class LeftTurns {
  readonly #parts: { observe: Observe; now: () => number };
  /** Keys: turn ids. Values: when the turn was last left, in ms since the epoch. */
  readonly #leftAt = new Map<string, number>();

  constructor(parts: { observe: Observe; now: () => number }) {
    this.#parts = parts;
  }

  /** True if the turn was left so recently that nothing will have changed. */
  wasJustLeft({ turnId }: TurnName): boolean {
    return this.#parts.now() - (this.#leftAt.get(turnId) ?? Number.NEGATIVE_INFINITY) < lookAgainMs;
  }

  /** Notes a turn that is left. The log of the host names it once. */
  note({ conversationId, turnId }: TurnName): void {
    const { observe, now } = this.#parts;
    const reason = "this host has no key for its model, or only the demo model";
    const message = `the unfinished turn of conversation ${conversationId} is left to other hosts: ${reason}`;
    if (!this.#leftAt.has(turnId)) observe({ level: "warn", scope: "session", message });
    this.#leftAt.set(turnId, now());
  }
}

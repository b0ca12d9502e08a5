import { type AbandonedTurn, isResumedIn, type TurnName } from "../../core/turn-leases.js";
import type { LeftTurns } from "./left-turns.js";
import type { LiveTurn } from "./live-turn.js";
import type { SessionParts } from "./session-parts.js";
import type { TurnIntake } from "./turn-intake.js";

interface AbandonedTurnsParts {
  conversationId: string;
  session: SessionParts;
  intake: TurnIntake;
  left: LeftTurns;
}

/** The unfinished turns of a conversation that no host owns: their host died, lost them, or was closed. */
export class AbandonedTurns {
  readonly #parts: AbandonedTurnsParts;

  constructor(parts: AbandonedTurnsParts) {
    this.#parts = parts;
  }

  /**
   * Resumes these turns here. Skips turns in the queue, because the queue will give them to a host. With `byItself`
   * (the periodic search, not a person who opens the conversation), also skips turns of other workspaces (`isResumedIn`), and turns that this host
   * could not answer when it tried less than a minute ago. Rejects with StoreError.
   */
  async takeOverAll({ byItself = false } = {}): Promise<LiveTurn[]> {
    const { session, left } = this.#parts;
    const { cluster, workspace = cluster.workspace } = session;
    // Turns of both workspaces can run here: the session has the servers of both.
    const isOwn = (turn: AbandonedTurn) =>
      [workspace, cluster.workspace].some((own) => isResumedIn(own, turn.workspace));
    await cluster.begin();
    const mayResume = (turn: AbandonedTurn) =>
      !cluster.isDispatched(turn) && (!byItself || (isOwn(turn) && !left.wasJustLeft(turn)));
    const resumed: LiveTurn[] = [];
    for (const abandoned of await this.#list()) {
      const turn = mayResume(abandoned) ? await this.takeOver(abandoned) : undefined;
      if (turn) resumed.push(turn);
    }
    return resumed;
  }

  /**
   * Resumes one of these turns here. Resolves with undefined if a host owns the turn by now, the turn has ended, the log cannot be read, or this
   * host cannot ask a model. Never rejects.
   */
  takeOver(abandoned: TurnName): Promise<LiveTurn | undefined> {
    return this.#parts.intake.takeOver(abandoned);
  }

  /**
   * Rejects with LlmError if this host cannot ask `model` and the conversation has abandoned turns. Call it before `submit`: the request might
   * wait for these turns without end, because this host resumes them only if it can ask `model` or the model of the abandoned turn. That model is
   * not checked here. Rejects with StoreError.
   */
  async requireModel(model?: string): Promise<void> {
    try {
      using settings = this.#parts.session.settings();
      settings.orchestrator.facts(model);
    } catch (error) {
      if ((await this.#list()).length > 0) throw error;
    }
  }

  #list(): Promise<AbandonedTurn[]> {
    const { conversationId, session } = this.#parts;
    return session.store.turns.abandoned({ conversationId });
  }
}

import {
  type StopReason as AcpStopReason,
  type AgentContext,
  type ClientCapabilities,
  type PromptResponse,
  RequestError,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import { type ErrorInfo, isTurnEnd, type StopReason, type StoredEvent, type TurnEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { OpenQuestions } from "./open-questions.js";
import type { UpdateEncoder } from "./session-updates.js";

interface AcpTurnsParts {
  client: AgentContext;
  capabilities: ClientCapabilities;
  session: Session;
  /** Returns an encoder for the events of one turn. */
  encoderFor: (turnId: string, shown: { showsPrompt: boolean }) => UpdateEncoder;
  tell: (updates: readonly SessionUpdate[]) => Promise<void>;
}

interface ShownTurn {
  /**
   * Undefined between `replay` and the `follow` after it: the events are dropped, because `follow` sends the turn again from its beginning.
   */
  encoder: UpdateEncoder | undefined;
  stopReason: Promise<PromptResponse["stopReason"]>;
}

/** The turns that the client of one session is shown: those that run, and those from the log. */
export class AcpTurns {
  readonly #parts: AcpTurnsParts;
  readonly #questions: OpenQuestions;
  readonly #followed = new Map<LiveTurn, ShownTurn>();
  /** Unfinished turns whose beginning `replay` has shown up to the event `seq`, by turn id. `follow` shows the rest. */
  readonly #replayed = new Map<string, { encoder: UpdateEncoder; seq: number }>();
  /** Turns that answer prompts of this client. */
  readonly #prompted = new WeakSet<LiveTurn>();

  constructor(parts: AcpTurnsParts) {
    this.#parts = parts;
    this.#questions = new OpenQuestions(parts);
  }

  /** The unfinished turns that are followed. */
  get followed(): LiveTurn[] {
    return [...this.#followed.keys()];
  }

  /**
   * Called when the client has disconnected. Denies the open questions of its prompts. If it also follows a turn that it did not prompt, parks the
   * whole session (`Session.park`): nobody here can answer that turn's questions, so another host resumes all turns.
   */
  leave(): void {
    this.#questions.leave();
    if (this.followed.some((turn) => !this.#prompted.has(turn))) this.#parts.session.park();
  }

  /** Sends the logged events to the client. Leaves out the running turns; the caller then calls `follow`, which shows them from their beginning. */
  async replay(events: readonly StoredEvent[], running: readonly LiveTurn[]): Promise<void> {
    const { encoderFor, tell } = this.#parts;
    for (const turn of running) {
      const shown = this.#followed.get(turn);
      if (shown) shown.encoder = undefined;
    }
    const skipped = new Set(running.map(({ turnId }) => turnId));
    const encoders = new Map<string, UpdateEncoder>();
    this.#replayed.clear();
    for (const event of events) {
      const { turnId, seq } = event;
      if (skipped.has(turnId)) continue;
      const encoder = encoders.get(turnId) ?? encoderFor(turnId, { showsPrompt: true });
      encoders.set(turnId, encoder);
      if (isTurnEnd(event)) this.#replayed.delete(turnId);
      else this.#replayed.set(turnId, { encoder, seq });
      await tell(encoder.encode(event));
    }
  }

  /** Follows the turn of a prompt like `follow`. The client has already shown the prompt. */
  answer(turn: LiveTurn): Promise<PromptResponse["stopReason"]> {
    this.#prompted.add(turn);
    return this.follow(turn, { showsPrompt: false });
  }

  /**
   * Shows a turn to its end and resolves with the turn's stop reason. If two requests follow the same turn, the turn is shown only once,
   * because ACP's updates do not name the request that they answer.
   */
  follow(turn: LiveTurn, shown: { showsPrompt: boolean }): Promise<PromptResponse["stopReason"]> {
    const known = this.#followed.get(turn);
    if (known?.encoder) return known.stopReason;
    const replayed = this.#replayed.get(turn.turnId);
    this.#replayed.delete(turn.turnId);
    const encoder = replayed?.encoder ?? this.#parts.encoderFor(turn.turnId, shown);
    const stopReason = this.#show(turn, encoder, replayed?.seq ?? 0).finally(() => {
      if (this.#followed.get(turn)?.stopReason === stopReason) this.#followed.delete(turn);
    });
    this.#followed.set(turn, { encoder, stopReason });
    return stopReason;
  }

  /** Watches the turn to its end. Sends its events after `seq` while `encoder` is the turn's current encoder. */
  async #show(turn: LiveTurn, encoder: UpdateEncoder, seq: number): Promise<PromptResponse["stopReason"]> {
    for await (const event of turn.watch()) {
      if (this.#followed.get(turn)?.encoder === encoder) {
        const isShown = "seq" in event && event.seq <= seq;
        if (!isShown) await this.#parts.tell(encoder.encode(event));
        this.#handleQuestion(event, encoder, turn);
      }
      if (event.type === "turn_end") return stopReasonOf(event.stopReason);
      if (event.type === "turn_error") throw failure(event.error);
    }
    return "cancelled"; // not expected: a turn that ends has shown its end event, or throws
  }

  #handleQuestion(event: TurnEvent, encoder: UpdateEncoder, turn: LiveTurn): void {
    const asked = { toolCallId: (callId: string) => encoder.callId(callId), isOwn: () => this.#prompted.has(turn) };
    if (event.type === "question") this.#questions.ask(event, asked);
    if (event.type === "answer") this.#questions.close(event.questionId);
  }
}

function failure({ kind, message, retryable, hint }: ErrorInfo): RequestError {
  return new RequestError(-32603, hint ? `${message} (${hint})` : message, { kind, retryable, hint });
}

/**
 * Returns ACP's stop reason. ACP has none for budgets, so a used-up budget is reported as `max_turn_requests`. No `turn_end` has
 * `error`, because failed turns end with `turn_error`; the mapping only satisfies the type.
 */
function stopReasonOf(reason: StopReason): AcpStopReason {
  if (reason === "max_tool_hops" || reason === "budget") return "max_turn_requests";
  return reason === "error" ? "end_turn" : reason;
}

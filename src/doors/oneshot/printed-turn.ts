import { errorInfo } from "../../core/errors.js";
import type { ErrorInfo, StoredEvent, TurnEvent } from "../../core/events.js";
import { patternOf } from "../../core/patterns/tool-pattern.js";
import type { Session } from "../../session/session.js";
import { summarizeTurn } from "../../session/shared/summary.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { exitCodeOfTurn } from "../shared/exit-codes.js";
import { withFinalText } from "../shared/final-text.js";
import type { OneshotView } from "./views.js";

interface Submitted {
  turn: LiveTurn;
  model: { provider: string; model: string };
}

interface PrintedTurn {
  exitCode: number;
  /** Calls that were denied because nobody could be asked for approval. Maps `server__tool` to the reason. */
  denied: ReadonlyMap<string, string>;
  error?: ErrorInfo;
}

/**
 * Prints one turn until it ends. If the turn cannot start, prints the error. Calls `onEvent` with each event before the event is printed.
 * `isStructured` is true if the answer must be one JSON value.
 */
export async function printTurn(
  submitting: Promise<Submitted>,
  view: OneshotView,
  onEvent: (event: TurnEvent) => void,
  isStructured = false,
): Promise<PrintedTurn> {
  const events: StoredEvent[] = [];
  try {
    const { turn, model } = await submitting;
    const { turnId, cached } = turn;
    await view.start({ turnId, cached, model });
    for await (const happened of turn.watch()) {
      const event = isStructured ? withFinalText(happened) : happened;
      if ("seq" in event) events.push(event);
      onEvent(event);
      await view.show(event);
    }
  } catch (error) {
    const failure = errorInfo(error);
    await view.end({ ...summarizeTurn(events), stopReason: "error", error: failure });
    return { exitCode: exitCodeOfTurn({ error: failure, denied: false }), denied: new Map(), error: failure };
  }
  const denied = deniedTools(events);
  const summary = summarizeTurn(events);
  await view.end({ ...summary, ...(denied.size > 0 && { denied: [...denied.keys()] }) });
  return { exitCode: exitCodeOfTurn({ ...summary, denied: denied.size > 0 }), denied, error: summary.error };
}

/**
 * Answers every question of a resumed turn with no. An earlier process left this turn unfinished. Nobody is here to answer its questions.
 */
export async function denyQuestions(turn: LiveTurn, session: Session): Promise<void> {
  try {
    for await (const event of turn.watch()) {
      if (event.type === "question") session.answer(event.questionId, false);
    }
  } catch {
    // No error is reported here: the turn that the user asked for will meet the same error and report it.
  }
}

/** Returns the calls whose approval was answered with `false`. Maps `server__tool` to the reason. */
function deniedTools(events: readonly StoredEvent[]): Map<string, string> {
  const refused = new Set(
    events.flatMap((event) => (event.type === "answer" && event.value === false ? [event.questionId] : [])),
  );
  const denied = new Map<string, string>();
  for (const event of events) {
    if (event.type !== "question" || event.question.kind !== "approval" || !refused.has(event.questionId)) continue;
    denied.set(patternOf(event.question), event.question.reason);
  }
  return denied;
}

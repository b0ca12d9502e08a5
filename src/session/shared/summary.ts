import { isYes } from "../../core/approval.js";
import { isBilled } from "../../core/event-facts.js";
import type { ErrorInfo, EventOf, LimitQuestion, StopReason, StoredEvent } from "../../core/events.js";
import type { Spent, Usage } from "../../core/messages.js";
import { answersBilled, usageSum } from "../../core/token-usage.js";
import { readTurn, validHops } from "../../log/folds/turn-records.js";

export interface TurnSummary {
  /** All text that the assistant wrote in the turn. */
  text: string;
  /** Why the turn ended. Absent while the turn runs. If it is `error`, `error` is set too. */
  stopReason?: StopReason;
  error?: ErrorInfo;
  /** Usage of all requests together. A request that reported no usage is not included. Absent if no request reported usage. */
  usage?: Usage;
  /** Cost of the turn in USD. Absent if the cost of any request is unknown. */
  costUsd?: number;
  /** The limit that stopped the turn, because the user did not allow the turn to exceed it. */
  limit?: LimitQuestion;
  /** All calls of the turn. `isError` is absent for a call without a result. */
  toolCalls: { id: string; name: string; arguments: string; isError?: boolean }[];
  /** Number of HTTP requests that were sent to providers. */
  attempts: number;
  provider?: string;
  model?: string;
}

export function summarizeTurn(events: readonly StoredEvent[]): TurnSummary {
  const turn = readTurn(events);
  const answers = turn.hops.map(({ answer }) => answer);
  const requests = events.filter(isBilled);
  const usage = usageSum(requests.flatMap(answersBilled));
  const costUsd = sumCosts(requests);
  const limit = refusedLimit(events);
  const last = answers.at(-1);
  // If the last answer was interrupted, its `attempts` already include those of the error that ended the turn.
  const failedAttempts = (turn.end?.type === "turn_error" && turn.end.error.attempts) || 0;
  return {
    text: validHops(turn)
      .map(({ answer }) => answer.message.content)
      .filter(Boolean)
      .join("\n\n"),
    ...(turn.end?.type === "turn_end" ? { stopReason: turn.end.stopReason } : {}),
    ...(turn.end?.type === "turn_error" ? { stopReason: "error" as const, error: turn.end.error } : {}),
    ...(usage ? { usage } : {}),
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(limit ? { limit } : {}),
    toolCalls: turn.hops.flatMap(({ calls }) =>
      calls.map(({ call: { id, name, arguments: text }, result }) => ({
        id,
        name,
        arguments: text,
        ...(result ? { isError: result.isError } : {}),
      })),
    ),
    attempts: requests.reduce((sum, { attempts }) => sum + attempts, last?.interrupted ? 0 : failedAttempts),
    ...(last ? { provider: last.provider, model: last.model } : {}),
  };
}

function refusedLimit(events: readonly StoredEvent[]): LimitQuestion | undefined {
  const refused = new Set(events.flatMap((event) => (isNo(event) ? [event.questionId] : [])));
  return events
    .flatMap((event) => (event.type === "question" && refused.has(event.questionId) ? [event.question] : []))
    .findLast((question) => question.kind === "limit");
}

function isNo(event: StoredEvent): event is EventOf<"answer"> {
  return event.type === "answer" && !isYes(event.value);
}

/** Returns the sum of the costs in USD. Returns undefined if the cost of any request is unknown. */
function sumCosts(requests: readonly { usage?: Usage; spent?: Spent }[]): number | undefined {
  if (requests.length === 0 || requests.some(({ usage, spent }) => !usage || spent?.usd === undefined))
    return undefined;
  return requests.reduce((sum, { spent }) => sum + (spent?.usd ?? 0), 0);
}

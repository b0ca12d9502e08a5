import type { ErrorInfo, LimitQuestion, Spent, StopReason, StoredEvent, Usage } from "../core/chat.js";
import { usageSum } from "../core/usage.js";
import { readTurn, validHops } from "../history/turns.js";
import { isYes } from "../orchestrator/tools.js";

export interface TurnSummary {
  /** The assistant's text in the whole turn. */
  text: string;
  /** Absent while the turn runs. With `error`, the error is below. */
  stopReason?: StopReason;
  error?: ErrorInfo;
  /** Sum of all requests that reported usage; absent if none did. */
  usage?: Usage;
  /** Absent unless the cost of every request is known. */
  costUsd?: number;
  /** The limit that nobody allowed the turn to exceed. */
  limit?: LimitQuestion;
  /** `isError` is absent for a call without a result. */
  toolCalls: { id: string; name: string; arguments: string; isError?: boolean }[];
  /** HTTP requests sent to the provider. */
  attempts: number;
  provider?: string;
  model?: string;
}

export function summarizeTurn(events: readonly StoredEvent[]): TurnSummary {
  const turn = readTurn(events);
  const answers = turn.hops.map(({ answer }) => answer);
  const compactions = events.filter((event) => event.type === "compaction");
  const requests = [...compactions, ...answers];
  const usage = usageSum(requests);
  const costUsd = sumCosts(requests);
  const limit = refusedLimit(events);
  const last = answers.at(-1);
  // An interrupted answer already counts the requests of the error that ended it.
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

function isNo(event: StoredEvent): event is Extract<StoredEvent, { type: "answer" }> {
  return event.type === "answer" && !isYes(event.value);
}

/** Sums the costs; undefined unless every one is known. */
function sumCosts(requests: readonly { usage?: Usage; spent?: Spent }[]): number | undefined {
  if (requests.length === 0 || requests.some(({ usage, spent }) => !usage || spent?.usd === undefined))
    return undefined;
  return requests.reduce((sum, { spent }) => sum + (spent?.usd ?? 0), 0);
}

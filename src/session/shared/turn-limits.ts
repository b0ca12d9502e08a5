import type { LimitsConfig } from "../../core/config.js";
import { isTurnEnd, type StoredEvent } from "../../core/events.js";
import type { Checkpoint, LogSince } from "../../log/folds/checkpoint.js";
import { callsIn, spentIn } from "../../log/shared/spent.js";
import type { AskedLimit } from "../../turn/limit-gate.js";
import { Budget } from "../../turn/turn-budget.js";
import type { DaySpent } from "./day-spent.js";

interface BudgetedTurn {
  turnId: string;
  log: LogSince;
  settings: { defaults: { limits?: LimitsConfig } };
  parts: {
    daySpent: DaySpent;
    /** Amounts that the user has allowed in addition to the limits of the conversation and of the day. */
    granted: Map<string, number>;
  };
}

/** Returns the budget of a turn. What the conversation and this turn have spent so far is already counted. */
export function budgetFor({ turnId, log: { checkpoint, events: log }, settings, parts }: BudgetedTurn): Budget {
  const { limits } = settings.defaults;
  if (!limits) return new Budget();
  const totals = (events: readonly StoredEvent[], earlier?: Checkpoint) => ({
    calls: (earlier?.calls ?? 0) + callsIn(events),
    ...spentIn(events, earlier?.spent),
  });
  const own = log.filter((event) => event.turnId === turnId);
  const hops = own.filter((event) => event.type === "assistant_message" && !event.interrupted).length;
  return new Budget({
    limits,
    earlier: { turn: { hops, ...totals(own) }, conversation: totals(log, checkpoint) },
    daySpent: () => parts.daySpent.read(),
    othersNeed: () => parts.daySpent.othersNeed(turnId),
    needs: (need) => parts.daySpent.needs(turnId, need),
    granted: parts.granted,
    now: () => performance.now(),
  });
}

/** Returns the questions about limits that the turn has asked since it began, or since it last failed. */
export function askedLimits(turnId: string, log: readonly StoredEvent[]): AskedLimit[] {
  let earlier: AskedLimit[] = [];
  for (const event of log) {
    if (event.turnId !== turnId) continue;
    if (isTurnEnd(event)) earlier = [];
    if (event.type === "question" && event.question.kind === "limit") {
      earlier.push({ asked: { ...event, question: event.question } });
    }
    const answered = event.type === "answer" && earlier.find(({ asked }) => asked.questionId === event.questionId);
    if (answered) answered.answer = { value: event.value };
  }
  return earlier;
}

/**
 * Returns the maximum number of hops with tool calls. The number is infinite if the user has set a limit of hops: at that limit the user is
 * asked, whereas `chat.service.max_tool_hops` would stop the turn without asking.
 */
export function maxToolHopsOf(defaults: { limits?: LimitsConfig; maxToolHops: number }): number {
  return defaults.limits?.turn.hops === undefined ? defaults.maxToolHops : Number.POSITIVE_INFINITY;
}

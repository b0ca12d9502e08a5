/** Converts a turn to the rows of a waterfall diagram. */
import { largest } from "../../core/lists/long-lists.js";
import type {
  AnswerItem,
  CompactionItem,
  Item,
  QuestionItem,
  ToolItem,
  TrimItem,
  Turn,
} from "../chat/shown-conversation.js";

export interface Span {
  /** `wait` means waiting for a person, or for other calls to finish. */
  kind: "work" | "wait";
  from: number;
  /** Time of the end. Absent while the span continues. */
  to?: number;
}

/** Result of a row. `left` means that the turn ended before the work of the row ended. */
export type Outcome = "done" | "failed" | "running" | "waiting" | "left";

interface Timed {
  /** Key of the row. It is unique within the turn and does not change while the turn grows. */
  key: string;
  outcome: Outcome;
  /** Spans of the row, in order and without overlap. There is at least one. */
  spans: readonly Span[];
}

export type TraceRow = Timed &
  (
    | { kind: "model"; item: AnswerItem }
    /** A running request to the model that has no answer yet. */
    | { kind: "asking" }
    | { kind: "tool"; item: ToolItem; together: number }
    | { kind: "question"; item: QuestionItem }
    | { kind: "compaction"; item: CompactionItem }
    | { kind: "failure"; error: Extract<Turn["end"], { error: unknown }>["error"] }
  );

/** Returns the rows of a turn, in the order in which they began. */
export function traceRows(turn: Turn): TraceRow[] {
  const asked = new Set(turn.items.map((item) => item.kind === "tool" && item.approval));
  const rows: TraceRow[] = [];
  for (const [index, item] of turn.items.entries()) {
    if (item.kind === "trim" || (item.kind === "question" && asked.has(item))) continue;
    rows.push(rowOf(item, { key: `${item.kind}-${index}`, turn, since: lastEnd(turn, rows) }));
  }
  return [...rows.map(countTogether), ...restOf(turn, rows)];
}

/** Returns the rows of a turn that has no end and does not continue, as in an exported file. Unfinished rows get the outcome `left`. */
export function leftRows(rows: readonly TraceRow[]): TraceRow[] {
  return rows.flatMap((row) => {
    if (row.kind === "asking") return [];
    const isOpen = row.outcome === "running" || row.outcome === "waiting";
    return [isOpen ? { ...row, outcome: "left" as const } : row];
  });
}

/**
 * Returns the row that follows `rows`: the request that is running now, or the error that ended the turn. Returns an empty list if no
 * request is running and the turn has no error.
 */
function restOf(turn: Turn, rows: readonly TraceRow[]): TraceRow[] {
  const from = lastEnd(turn, rows);
  if (!turn.end) {
    const isBusy = rows.some(({ outcome }) => outcome === "running" || outcome === "waiting");
    return isBusy ? [] : [{ key: "asking", kind: "asking", outcome: "running", spans: [{ kind: "work", from }] }];
  }
  if (!("error" in turn.end)) return [];
  const { error, at } = turn.end;
  return [{ key: "failure", kind: "failure", error, outcome: "failed", spans: [{ kind: "work", from, to: at }] }];
}

interface RowContext {
  key: string;
  turn: Turn;
  /** Time at which the last of the earlier rows ended. */
  since: number;
}

function rowOf(item: Exclude<Item, TrimItem>, { key, turn, since }: RowContext): TraceRow {
  switch (item.kind) {
    case "answer": {
      const spans: Span[] = [{ kind: "work", from: Math.min(since, item.at), to: item.at }];
      return { key, kind: "model", item, outcome: item.isInterrupted ? "left" : "done", spans };
    }
    case "compaction":
      return { key, kind: "compaction", item, outcome: "done", spans: [{ kind: "work", from: since, to: item.at }] };
    case "question": {
      const to = item.answer?.at ?? turn.end?.at;
      const outcome = item.answer ? "done" : turn.end ? "left" : "waiting";
      return { key, kind: "question", item, outcome, spans: [{ kind: "wait", from: item.at, to }] };
    }
    case "tool": {
      const spans = toolSpans(item, turn.end?.at);
      return { key, kind: "tool", item, together: 0, outcome: toolOutcome(item, turn), spans };
    }
  }
}

function toolOutcome({ result, sentAt }: ToolItem, { end }: Turn): Outcome {
  if (result) return result.isError ? "failed" : "done";
  if (end) return "left";
  return sentAt === undefined ? "waiting" : "running";
}

function toolSpans({ plannedAt, sentAt, result }: ToolItem, endedAt: number | undefined): Span[] {
  const to = result?.at ?? endedAt;
  if (sentAt === undefined) return [{ kind: "wait", from: plannedAt, to }];
  const wait: Span = { kind: "wait", from: plannedAt, to: sentAt };
  return [...(sentAt > plannedAt ? [wait] : []), { kind: "work", from: sentAt, to }];
}

function lastEnd(turn: Turn, rows: readonly TraceRow[]): number {
  return Math.max(turn.startedAt, largest(rows.flatMap(({ spans }) => spans.map(({ to = 0 }) => to))));
}

function countTogether(row: TraceRow, _: number, rows: readonly TraceRow[]): TraceRow {
  if (row.kind !== "tool") return row;
  const together = rows.filter((other) => other !== row && other.kind === "tool" && overlap(row, other)).length;
  return { ...row, together };
}

function overlap(one: TraceRow, other: TraceRow): boolean {
  const [a, b] = [workOf(one), workOf(other)];
  if (!a || !b) return false;
  return a.from < (b.to ?? Number.POSITIVE_INFINITY) && b.from < (a.to ?? Number.POSITIVE_INFINITY);
}

const workOf = ({ spans }: TraceRow) => spans.find(({ kind }) => kind === "work");

export interface Sums {
  inputTokens: number;
  outputTokens: number;
  /** Sum of the known costs. Absent if no cost is known. */
  usd?: number;
  /** Number of HTTP requests that were retries. */
  retries: number;
}

export function sumsOf(turns: readonly Turn[]): Sums {
  const items = turns.flatMap((turn) => turn.items);
  const usages = items.flatMap((item) => ("usage" in item && item.usage ? [item.usage] : []));
  const costs = usages.flatMap(({ cost_usd }) => cost_usd ?? []);
  return {
    inputTokens: total(usages.map(({ input_tokens }) => input_tokens)),
    outputTokens: total(usages.map(({ output_tokens }) => output_tokens)),
    ...(costs.length > 0 && { usd: total(costs) }),
    retries: total(items.map((item) => (item.kind === "answer" ? Math.max(0, item.attempts - 1) : 0))),
  };
}

const total = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);

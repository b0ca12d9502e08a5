/** Divides a turn into spans of time: requests to the model, calls of tools, and times of waiting for the user. */
import { largest } from "../../core/lists/long-lists.js";
import { askedTool, calledTool, type Item, type Turn } from "./shown-conversation.js";

export interface RowSpan {
  kind: "model" | "tool" | "wait";
  label: string;
  note: string;
  from: number;
  /** Time of the end. Absent while the span continues. */
  to?: number;
  isBad: boolean;
}

/**
 * Returns the spans of a turn, in the order in which they began. `openNote` says what the model is doing now, if the turn is running.
 */
export function timelineRows(turn: Turn, openNote: string): RowSpan[] {
  const rows = turn.items.flatMap((item) => spanOf(item, turn.end?.at)).toSorted((one, other) => one.from - other.from);
  const isOpen = !turn.end && rows.every(({ to }) => to !== undefined);
  if (!isOpen) return rows;
  const from = Math.max(turn.startedAt, largest(rows.map(({ to = 0 }) => to)));
  return [...rows, { kind: "model", label: "model", note: openNote, from, isBad: false }];
}

function spanOf(item: Item, endedAt: number | undefined): RowSpan[] {
  switch (item.kind) {
    case "answer": {
      const { model, from, at, attempts, isInterrupted } = item;
      const notes = [attempts > 1 && `${attempts - 1} retried`, isInterrupted && "broken off"].filter(Boolean);
      return [{ kind: "model", label: model, note: notes.join(", "), from, to: at, isBad: isInterrupted }];
    }
    case "tool": {
      const { sentAt, result } = item;
      const isBad = result?.isError === true;
      const from = sentAt ?? result?.at;
      if (from === undefined) return [];
      const note = sentAt === undefined ? "not run" : isBad ? "error" : "";
      return [{ kind: "tool", label: calledTool(item), note, from, to: result?.at ?? endedAt, isBad }];
    }
    case "question": {
      const { at, answer, question } = item;
      const label = question.kind === "approval" ? `approval of ${askedTool(question)}` : "your answer";
      return [{ kind: "wait", label, note: "", from: at, to: answer?.at ?? endedAt, isBad: false }];
    }
    case "compaction":
    case "trim":
      return [];
  }
}

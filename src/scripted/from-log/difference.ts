import { textOf } from "../../core/messages.js";
import { type FindTool, type PlayableTurn, readPlayable } from "../../session/export/playable.js";
import type { StepResult } from "../shared/script-result.js";

/**
 * Compares the turns in the log with the replayed session. Returns a description of the first difference, or undefined if there is none.
 */
export function difference(
  turns: readonly PlayableTurn[],
  steps: readonly StepResult[],
  find: FindTool,
): string | undefined {
  const played = steps.filter(({ kind }) => kind === "user");
  for (const [index, turn] of turns.entries()) {
    const { error, outcome } = played[index] ?? {};
    if (error) return `turn ${turn.number}: ${error.message}`;
    const events = outcome?.events ?? [];
    const [now] = events.length > 0 ? readPlayable(events, find).turns : [];
    const [before, after] = [linesOf(turn), now ? linesOf(now) : ["it was not reached"]];
    const at = before.findIndex((line, index) => line !== after[index]);
    if (at < 0) continue;
    return `in turn ${turn.number}, by the log ${excerpt(before[at])}; now ${excerpt(after[at] ?? "it has ended")}`;
  }
  return undefined;
}

function excerpt(line = ""): string {
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** Returns the model's texts and calls, and the results of the tools, as lines that can be compared. */
function linesOf(turn: Pick<PlayableTurn, "hops" | "stopReason">): string[] {
  return [
    ...turn.hops.flatMap(({ answer, calls }) => [
      `the model says ${JSON.stringify(answer.message.content)}`,
      ...calls.map(({ call }) => `it calls ${call.name} ${call.arguments}`),
      ...calls.map(({ call, result }) => {
        const verdict = result.isError ? "fails with" : "answers";
        return `${call.name} ${verdict} ${JSON.stringify(textOf(result.content))}`;
      }),
    ]),
    `it ends with ${turn.stopReason}`,
  ];
}

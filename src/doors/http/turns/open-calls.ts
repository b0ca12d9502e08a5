/** The caller's tool calls in the log: which are open, and which have a result that a later turn has brought. */
import type { CallerTurn } from "../../../session/turns/turn-answers.js";
import { turnKeyOfItem } from "./turn-ids.js";

/**
 * Tool calls that the caller of the API runs itself. Each call has two entries: one under its index in the turn, which the caller's id contains,
 * and one under the model's id. The value of both is the model's id. The conversation in the caller's id does not count, because the turn
 * may be in a copy of it.
 */
type CallerCalls = Map<string, string>;

/** Returns the open calls, and those whose results a turn has brought. */
export function callerCallsOf(turns: readonly CallerTurn[]): { open: CallerCalls; brought: CallerCalls } {
  let open: CallerCalls = new Map();
  const brought: CallerCalls = new Map();
  for (const turn of turns) {
    for (const [name, id] of open) {
      if (!turn.broughtIds.has(id)) continue;
      open.delete(name);
      brought.set(name, id);
    }
    if (turn.answers.length > 0) open = openCallsOf(turn);
  }
  return { open, brought };
}

/** Returns the calls of the turn's last answer that the host does not run. */
function openCallsOf({ turnId, answers }: CallerTurn): CallerCalls {
  const open: CallerCalls = new Map();
  const last = answers.at(-1)?.calls ?? [];
  for (const [index, answered] of answers.flatMap(({ calls }) => calls).entries()) {
    if (answered.result || !last.includes(answered)) continue;
    const { id } = answered.call;
    open.set(keyInTurn({ turnId, index }), id).set(id, id);
  }
  return open;
}

/** Returns the model's id of a tool call. `id` is the model's or the caller's. Returns undefined if the call is not among these calls. */
export function modelIdOf(calls: CallerCalls, id: string): string | undefined {
  const turnKey = turnKeyOfItem(id);
  return calls.get(id) ?? (turnKey && calls.get(keyInTurn(turnKey)));
}

/** Returns the id of the latest turn that has answers: the turn of the open calls. */
export function turnOfOpenCalls(turns: readonly CallerTurn[]): string | undefined {
  return turns.findLast(({ answers }) => answers.length > 0)?.turnId;
}

function keyInTurn({ turnId, index }: { turnId: string; index: number }): string {
  return `${turnId} ${index}`;
}

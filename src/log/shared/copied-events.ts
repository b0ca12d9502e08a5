/** Events of a copied conversation that differ from the original. */
import { isShortening } from "../../core/event-facts.js";
import type { ChatEvent, StoredEvent } from "../../core/events.js";

/**
 * Returns an event that shortens the history as it is stored in a copy, with `upToSeq` renumbered. Returns undefined for all other events,
 * which are copied unchanged. `seqs`: the `seq` of all copied events, in order. The copy begins with a fork event, so the copied events start
 * at 2.
 */
function renumbered({ seq: _, at: __, ...event }: StoredEvent, seqs: readonly number[]): ChatEvent | undefined {
  if (!isShortening(event)) return undefined;
  return { ...event, upToSeq: 1 + seqs.filter((seq) => seq <= event.upToSeq).length };
}

/**
 * Returns the `seq` and the copy of those events that are not copied as they are stored: those that name other events, and messages with
 * a history, because an original may store it elsewhere. `seqs`: as in `renumbered`. Events that are not copied may be among the returned ones.
 */
export function changedInCopy(
  events: readonly StoredEvent[],
  seqs: readonly number[],
): [seq: number, copied: ChatEvent][] {
  return events.flatMap((event) => {
    const { seq, at: _, ...whole } = event;
    const copied = renumbered(event, seqs) ?? (whole.type === "user_message" && whole.history ? whole : undefined);
    return copied ? [[seq, copied]] : [];
  });
}

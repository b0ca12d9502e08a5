import { conversationDeleted } from "../../core/errors.js";
import type { Sessions } from "../../session/sessions.js";

/**
 * An event that a client has of a conversation. A conversation that was deleted and begun anew under the same id has other turns, so the
 * turn of the event tells the two apart.
 */
export interface SeenEvent {
  seq: number;
  turn_id: string;
}

/** Rejects with RequestError `not_found` if the conversation no longer has the event, and with StoreError. */
export async function requireSeen(
  sessions: Sessions,
  conversationId: string,
  seen: SeenEvent | null | undefined,
): Promise<void> {
  if (!seen) return;
  const [event] = await sessions.history(conversationId, seen.seq, 1);
  if (event?.seq !== seen.seq || event.turnId !== seen.turn_id) throw conversationDeleted(conversationId);
}

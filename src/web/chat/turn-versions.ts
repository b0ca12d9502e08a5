import type { VersionEntry } from "../api/host-messages.js";
import type { Turn } from "./shown-conversation.js";

interface TurnVersion {
  /** The conversation that has this version of the turn. */
  conversationId: string;
  isOwn: boolean;
}

/**
 * Returns the versions of a turn, in the order in which they were made. `versions` are those of its conversation; the first of the entries
 * with a turn is its version, and the entry that changed last shows it.
 */
export function versionsOf(turn: Turn, versions: readonly VersionEntry[]): TurnVersion[] {
  const byTurn = new Map<string, VersionEntry>();
  for (const version of versions) {
    if (version.to_seq < turn.seq - 1) continue; // it differs already before this turn
    const id = version.to_seq >= turn.seq ? turn.turnId : (version.turn_id ?? version.conversation_id);
    const known = byTurn.get(id);
    if (!known || known.updated_at < version.updated_at) byTurn.set(id, version);
  }
  return [...byTurn].map(([id, { conversation_id: conversationId }]) => ({
    conversationId,
    isOwn: id === turn.turnId,
  }));
}

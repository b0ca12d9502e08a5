import type { StoredVersion } from "../../core/chat-store.js";
import { largest } from "../../core/lists/long-lists.js";

/** A version of a conversation, as it is seen from one of them. */
export interface ConversationVersion {
  conversationId: string;
  updatedAt: number;
  /**
   * Number of the event after which it differs from the conversation from which it is seen, in the numbers of that conversation. For that
   * conversation itself: the largest of these numbers of the others.
   */
  toSeq: number;
  /** Id of its turn that follows. Versions with the same turn do not differ there. Undefined if no turn follows. */
  turnId?: string | undefined;
}

/** Returns the versions as they are seen from one of them. A copied turn has the id of its original, so the ids show where two versions part. */
export function versionsFrom(conversationId: string, versions: readonly StoredVersion[]): ConversationVersion[] {
  const own = versions.find((version) => version.conversationId === conversationId);
  if (!own) return [];
  const ownTurns = turnsOf(own);
  const common = versions.map((version) => {
    const turns = turnsOf(version);
    const differing = ownTurns.findIndex(({ turnId }, index) => turns[index]?.turnId !== turnId);
    return { version, turns, count: differing < 0 ? ownTurns.length : differing };
  });
  const most = largest(common.map(({ version, count }) => (version === own ? 0 : count)));
  return common.map(({ version, turns, count }) => {
    const { conversationId: id, updatedAt } = version;
    const index = version === own ? most : count;
    const toSeq = (ownTurns[index]?.seq ?? own.lastSeq + 1) - 1;
    return { conversationId: id, updatedAt, toSeq, turnId: turns[index]?.turnId };
  });
}

/** Returns the requests that no rewind removed. */
function turnsOf({ marks }: StoredVersion): StoredVersion["marks"] {
  const isGone = ({ seq }: { seq: number }) =>
    marks.some((mark) => mark.toSeq !== undefined && mark.seq > seq && mark.toSeq < seq);
  return marks.filter((mark) => mark.toSeq === undefined && !isGone(mark));
}

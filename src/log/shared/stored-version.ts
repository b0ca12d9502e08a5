import type { StoredVersion } from "../../core/chat-store.js";

/** A request of a conversation or, with the JSON of the event in `rewind`, a rewind. */
export interface VersionMarkRow {
  seq: number;
  turnId: string;
  rewind: string | null;
}

export function versionOf(version: Omit<StoredVersion, "marks">, rows: readonly VersionMarkRow[]): StoredVersion {
  const marks = rows.map(({ seq, turnId, rewind }) => {
    if (rewind === null) return { seq, turnId };
    const { toSeq } = JSON.parse(rewind) as { toSeq: number };
    return { seq, turnId, toSeq };
  });
  return { ...version, marks };
}

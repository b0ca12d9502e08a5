/**
 * Replaces ids that the host creates anew in each run, such as the ids of stored results. The replacement is needed because a model may
 * repeat such an id in its answer.
 */

import { idPattern } from "../../../core/ids.js";
import type { JsonObject } from "../../../core/json.js";
import { type Rewriter, rewrittenStream } from "./clean-stream.js";
import type { ModelEntry } from "./format.js";
import { historyOf } from "./normalise.js";

/** Returns the ids in the messages of a request, in the order in which they first occur. */
function idsIn(request: JsonObject): string[] {
  return [...new Set(JSON.stringify(historyOf(request)).match(idPattern))];
}

/** Numbers the ids in the order in which they first occur in a recording. A new recording of the same session gets the same numbers. */
export class NumberedIds {
  readonly #names = new Map<string, string>();

  /**
   * Returns the entry with numbered ids in its answer. If the answer contains ids of the request, sets `ids` to the numbered forms of all
   * ids of the request.
   */
  numbered(entry: ModelEntry): ModelEntry {
    const ids = entry.ids ?? idsIn(entry.request);
    const names = new Map(ids.map((id) => [id, this.#nameOf(id)]));
    const { chunks, isChanged } = renamed(entry, names);
    return isChanged || entry.ids ? { ...entry, ids: [...names.values()], chunks } : entry;
  }

  #nameOf(id: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const number = String(this.#names.size + 1).padStart(32, "0");
    const name = id.replace(idPattern, `$1_${number}`);
    this.#names.set(id, name);
    return name;
  }
}

/**
 * Returns the recorded answer for a new request: each id of the recorded request is replaced by the new request's id at the same position.
 */
export function withIdsOf(request: JsonObject, entry: ModelEntry): ModelEntry {
  if (!entry.ids) return entry;
  const now = idsIn(request);
  const names = new Map(entry.ids.map((id, index) => [id, now[index] ?? id]));
  return { ...entry, chunks: renamed(entry, names).chunks };
}

function renamed({ chunks }: ModelEntry, names: ReadonlyMap<string, string>) {
  let isChanged = false;
  const text = (before: string) =>
    before.replaceAll(idPattern, (id) => {
      const name = names.get(id);
      isChanged ||= name !== undefined;
      return name ?? id;
    });
  const value = <T>(before: T): T => {
    const written = JSON.stringify(before);
    const after = text(written);
    return after === written ? before : JSON.parse(after);
  };
  return { chunks: rewrittenStream(chunks, { text, value } satisfies Rewriter), isChanged };
}

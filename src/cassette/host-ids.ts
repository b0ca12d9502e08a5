/** Ids that the host makes up in each run anew and that models speak of, such as those of stored results. */
import { idPattern } from "../core/ids.js";
import { type Rewriter, rewrittenStream } from "./clean-stream.js";
import type { Json, ModelEntry } from "./format.js";
import { historyOf } from "./history.js";

/** Those that a request names, in the order in which it first does. */
function idsIn(request: Json): string[] {
  return [...new Set(JSON.stringify(historyOf(request)).match(idPattern))];
}

/** Names them by the order of a recording, so that recorded again it is the same. */
export class NumberedIds {
  readonly #names = new Map<string, string>();

  /** The entry with its answer's ids numbered, and with those of its request where the answer speaks of one. */
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

/** The answer with the ids that this request has in place of those that the recorded one had. */
export function withIdsOf(request: Json, entry: ModelEntry): ModelEntry {
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

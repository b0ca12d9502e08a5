import { createHash } from "node:crypto";
import type { ToolCall } from "../../../core/messages.js";

/** Maximum length of a call's id, in characters. */
const longestId = 64;

/**
 * Converts the ids of a request's calls to ids that the API accepts: not empty, at most 64 characters, and unique in the conversation. Ids
 * may repeat because some servers start to count anew in each answer. The same history gives the same ids.
 */
export class CallIds {
  readonly #used = new Set<string>();
  readonly #sent = new Map<string, string>();
  /** Generated ids for those calls of the last answer that came without an id. */
  #unnamed: string[] = [];

  ofCalls(calls: readonly Pick<ToolCall, "id">[]): string[] {
    this.#unnamed = [];
    return calls.map(({ id }) => {
      const own = this.#unusedLike(id ? shortened(id) : "call_unnamed");
      this.#used.add(own);
      if (id) this.#sent.set(id, own);
      else this.#unnamed.push(own);
      return own;
    });
  }

  ofResult(id: string): string {
    return (id ? this.#sent.get(id) : this.#unnamed.shift()) ?? (id ? shortened(id) : "call_unnamed");
  }

  #unusedLike(id: string): string {
    if (!this.#used.has(id)) return id;
    const head = id.slice(0, longestId - 8);
    for (let count = 2; ; count++) if (!this.#used.has(`${head}_${count}`)) return `${head}_${count}`;
  }
}

function shortened(id: string): string {
  return id.length <= longestId ? id : `call_${createHash("sha256").update(id).digest("hex").slice(0, 40)}`;
}

import { createHash } from "node:crypto";
import type { ToolCall } from "../../../core/chat.js";

/** Characters. */
const longestId = 64;

/**
 * Ids of the calls in one request as the API takes them: not empty, not longer than 64 characters, and no two the same in a whole
 * conversation, although servers that count their calls anew in every answer write them so. The same history gives the same ids.
 */
export class CallIds {
  readonly #used = new Set<string>();
  /** Of the last answer with each given id. */
  readonly #sent = new Map<string, string>();
  /** Calls of the last answer that came without an id. */
  #unnamed: string[] = [];

  /** Ids for the calls of one answer, in their order. */
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

  /** The id of the call that a result belongs to. */
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

import { hash } from "node:crypto";
import { isPlainObject, readJson } from "../core/json.js";
import { largest } from "../core/lists/long-lists.js";
import type { ToolCall } from "../core/messages.js";
import type { ToolResult } from "../core/ports.js";

/** If a call has the same result this many times in a row, a note in the result asks the model to do something else. */
const toldAt = 3;
/** Number of hops with the same call and result after which the person is asked whether to continue. */
export const loopAllowed = 5;

/**
 * Detects that a model repeats a call and gets the same result. It counts hops (answers of the model), not calls: two equal calls in one
 * answer count once. A hop with any new call or new result resets all counts.
 */
export class Loops {
  /**
   * For each pair of call and result, the number of hops in a row that had it. The number is 0 if there was a hop with a new pair since
   * then.
   */
  readonly #hops = new Map<string, number>();
  #batch = new Set<string>();

  /** Returns the result for the model. Adds a note if the same call has had the same result several times. */
  noted(call: ToolCall, result: ToolResult): ToolResult {
    const key = keyOf(call, result);
    this.#batch.add(key);
    const times = (this.#hops.get(key) ?? 0) + 1;
    if (times < toldAt) return result;
    const text = `(the same call has had this same result ${times} times in a row: do something else, or answer with what you have)`;
    return { ...result, content: [...result.content, { type: "text", text }] };
  }

  /** Ends a hop. Returns how many hops in a row have had the most repeated call of this hop, or 0 if the hop had no calls. */
  endHop(): number {
    const batch = this.#batch;
    this.#batch = new Set();
    if ([...batch].some((key) => !this.#hops.has(key))) for (const key of this.#hops.keys()) this.#hops.set(key, 0);
    for (const key of batch) this.#hops.set(key, (this.#hops.get(key) ?? 0) + 1);
    return Math.max(0, largest([...batch].map((key) => this.#hops.get(key) ?? 0)));
  }
}

/** Maximum length of a key that is stored unhashed, in characters. Hashing a shorter key would cost more than it saves. */
const shortKey = 512;

function keyOf({ name, arguments: text }: ToolCall, { content, isError }: ToolResult): string {
  const key = JSON.stringify([name, canonical(text), content, isError]);
  return key.length <= shortKey ? key : hash("sha256", key, "base64");
}

/**
 * Returns the JSON with sorted keys and without white space, so that equal arguments give equal texts. If the text is not JSON, returns it
 * unchanged.
 */
function canonical(text: string): string {
  try {
    const parsed = readJson(text);
    if (!text.includes(",")) return JSON.stringify(parsed); // without a comma, no object has two keys, so there is nothing to sort
    return JSON.stringify(parsed, (_, value: unknown) =>
      isPlainObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
    );
  } catch {
    return text;
  }
}

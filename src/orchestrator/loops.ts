import { hash } from "node:crypto";
import type { ToolCall } from "../core/chat.js";
import type { ToolResult } from "../core/ports.js";

/** From this time on, the model is told with the result. */
const toldAt = 3;
/** Hops with the same call and result before the person is asked. */
export const loopAllowed = 5;

/**
 * Notices a model that makes the same call again and gets the same result again. Hops count, not calls: the same call twice
 * in one answer is one. A hop that brings anything new ends every loop.
 */
export class Loops {
  /** How many hops in a row, by call and result. 0: seen in this turn, but something new has come since. */
  readonly #hops = new Map<string, number>();
  #batch = new Set<string>();

  /** The result as the model gets it: with a word about the repetition, where it is one. */
  noted(call: ToolCall, result: ToolResult): ToolResult {
    const key = keyOf(call, result);
    this.#batch.add(key);
    const times = (this.#hops.get(key) ?? 0) + 1;
    if (times < toldAt) return result;
    const text = `(the same call has had this same result ${times} times in a row: do something else, or answer with what you have)`;
    return { ...result, content: [...result.content, { type: "text", text }] };
  }

  /** Ends a hop. Returns how long the longest loop is by now. */
  endHop(): number {
    const batch = this.#batch;
    this.#batch = new Set();
    if ([...batch].some((key) => !this.#hops.has(key))) for (const key of this.#hops.keys()) this.#hops.set(key, 0);
    for (const key of batch) this.#hops.set(key, (this.#hops.get(key) ?? 0) + 1);
    return Math.max(0, ...[...batch].map((key) => this.#hops.get(key) ?? 0));
  }
}

/** Characters of a key that is kept as it is: to hash it would take longer than it is worth. */
const shortKey = 512;

function keyOf({ name, arguments: text }: ToolCall, { content, isError }: ToolResult): string {
  const key = JSON.stringify([name, canonical(text), content, isError]);
  return key.length <= shortKey ? key : hash("sha256", key, "base64");
}

/** The same for arguments that differ in the order of their keys or in white space only. */
function canonical(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!text.includes(",")) return JSON.stringify(parsed); // no two keys, which could change places
    return JSON.stringify(parsed, (_, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
  } catch {
    return text;
  }
}

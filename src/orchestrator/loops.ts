import { hash } from "node:crypto";
import type { ToolCall } from "../core/chat.js";
import type { ToolResult } from "../core/ports.js";

/** From this repetition on, the result tells the model to do something else. */
const toldAt = 3;
/** Hops with the same call and result before the person is asked. */
export const loopAllowed = 5;

/**
 * Detector of a model that repeats a call and gets the same result. It counts hops, not calls: the same call twice in one answer counts
 * once. A hop that brings anything new ends every loop.
 */
export class Loops {
  /** Hops in a row, by call and result. 0: seen in this turn, but something new has come since. */
  readonly #hops = new Map<string, number>();
  #batch = new Set<string>();

  /** Returns the result for the model, with a note if the call repeats. */
  noted(call: ToolCall, result: ToolResult): ToolResult {
    const key = keyOf(call, result);
    this.#batch.add(key);
    const times = (this.#hops.get(key) ?? 0) + 1;
    if (times < toldAt) return result;
    const text = `(the same call has had this same result ${times} times in a row: do something else, or answer with what you have)`;
    return { ...result, content: [...result.content, { type: "text", text }] };
  }

  /** Ends a hop. Returns the length of the longest loop. */
  endHop(): number {
    const batch = this.#batch;
    this.#batch = new Set();
    if ([...batch].some((key) => !this.#hops.has(key))) for (const key of this.#hops.keys()) this.#hops.set(key, 0);
    for (const key of batch) this.#hops.set(key, (this.#hops.get(key) ?? 0) + 1);
    return Math.max(0, ...[...batch].map((key) => this.#hops.get(key) ?? 0));
  }
}

/** Longest key, in characters, that is kept unhashed: hashing it would cost more than it saves. */
const shortKey = 512;

function keyOf({ name, arguments: text }: ToolCall, { content, isError }: ToolResult): string {
  const key = JSON.stringify([name, canonical(text), content, isError]);
  return key.length <= shortKey ? key : hash("sha256", key, "base64");
}

/** Returns the same text for arguments that differ only in key order or white space. */
function canonical(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!text.includes(",")) return JSON.stringify(parsed); // no two keys whose order could differ
    return JSON.stringify(parsed, (_, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
  } catch {
    return text;
  }
}

import type { StoredEvent } from "../../core/chat.js";
import { clearing } from "../../core/redaction.js";
import { mapInSlices } from "../../core/slices.js";

/**
 * Removes what looks like a key, and the given secrets. The log itself is unchanged: a person may have typed a key, or a tool read one.
 * Secrets that no pattern knows remain, so read an export before sharing it.
 */
export function redacted(events: readonly StoredEvent[], secrets: readonly string[]): Promise<StoredEvent[]> {
  const clean = clearing(secrets);
  const walk = (value: unknown, key?: string): unknown => {
    if (typeof value === "string") return key !== undefined && kept.has(key) ? value : clean(value);
    if (Array.isArray(value)) return value.map((item) => walk(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name)]));
  };
  return mapInSlices(events, (event) => walk(event) as StoredEvent);
}

/** Fields with our own words, and with bytes of pictures and sound. */
const kept = new Set(["type", "turnId", "callId", "questionId", "mimeType", "data"]);

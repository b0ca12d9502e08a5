import type { StoredEvent } from "../../core/chat.js";
import { clearing } from "../../core/redaction.js";
import { mapInSlices } from "../../core/slices.js";

/**
 * Events without what looks like a key, and without the secrets given. The log itself is left as it is: a person may have typed a key,
 * and a tool may have read one. What no pattern knows cannot be found: who shares an export reads it first.
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

/** Words of ours, and bytes of pictures and sound. */
const kept = new Set(["type", "turnId", "callId", "questionId", "mimeType", "data"]);

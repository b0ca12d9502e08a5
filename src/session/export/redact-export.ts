import { mapInSlices } from "../../core/async/slices.js";
import type { StoredEvent } from "../../core/events.js";
import { clearing } from "../../core/text/redaction.js";

/**
 * Removes the given secrets and everything that looks like a key, because a user may have typed a key, or a tool may have read one. Only
 * the returned events change, not the log. A secret of an unknown form remains, so an export should be read before it is shared.
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

/** Fields that are not searched for secrets, because they hold words of this program or the bytes of pictures and sounds. */
const kept = new Set(["type", "turnId", "callId", "questionId", "mimeType", "data"]);

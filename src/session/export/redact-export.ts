import { mapInSlices } from "../../core/async/slices.js";
import type { StoredEvent } from "../../core/events.js";
import { clearing } from "../../core/text/redaction.js";

/**
 * Removes the given secrets and everything that looks like a key, because a user may have typed a key, or a tool may have read one. Only
 * the returned events change, not the log. A secret of an unknown form remains, so an export should be read before it is shared.
 */
export function redacted(events: readonly StoredEvent[], secrets: readonly string[]): Promise<StoredEvent[]> {
  const clean = clearing(secrets);
  const walk = (value: unknown, kept: ReadonlySet<string> = none): unknown => {
    if (typeof value === "string") return clean(value);
    if (Array.isArray(value)) return value.map((item) => walk(item));
    if (typeof value !== "object" || value === null) return value;
    const shown = partFields.get((value as { type?: unknown }).type) ?? kept;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shown.has(name) ? item : walk(item)]));
  };
  return mapInSlices(events, (event) => walk(event, eventFields) as StoredEvent);
}

const none: ReadonlySet<string> = new Set();
/** Fields of an event that are not searched for secrets, because they hold words of this program. */
const eventFields = new Set(["type", "turnId", "callId", "questionId"]);
const textFields = new Set(["type"]);
const mediaFields = new Set(["type", "mimeType", "data"]);
/** Fields of a part of a message that are not searched, by its type: words of this program, and the bytes of pictures and sounds. */
const partFields: ReadonlyMap<unknown, ReadonlySet<string>> = new Map([
  ["text", textFields],
  ["resource_link", textFields],
  ["image", mediaFields],
  ["audio", mediaFields],
]);

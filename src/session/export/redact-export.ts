import { mapInSlices } from "../../core/async/slices.js";
import type { StoredEvent } from "../../core/events.js";
import { clearedMember, clearedName, clearing } from "../../core/text/redaction.js";

/**
 * Returns the events without the given secrets and without everything that looks like a key: a user may have typed a key, or a tool may
 * have read one. The log itself does not change. A secret that has an unknown form is not found, so people should read an export before
 * they share it.
 */
export function redacted(events: readonly StoredEvent[], secrets: readonly string[]): Promise<StoredEvent[]> {
  const clean = clearing(secrets);
  const names = new Map<string, string>();
  const nameOf = (name: string): string => {
    const known = names.get(name) ?? clearedName(clean, name);
    if (names.size < mostNames) names.set(name, known);
    return known;
  };
  const walk = (value: unknown, name = "", kept: ReadonlySet<string> = none): unknown => {
    if (typeof value === "string") return clearedMember(clean, name, value);
    if (Array.isArray(value)) return value.map((item) => walk(item, name));
    if (typeof value !== "object" || value === null) return value;
    const shown = partFields.get((value as { type?: unknown }).type) ?? kept;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [nameOf(key), shown.has(key) ? item : walk(item, key)]),
    );
  };
  return mapInSlices(events, (event) => walk(withoutPlace(event), "", eventFields) as StoredEvent);
}

/**
 * Leaves out the hash over the server's command and environment. It differs between machines, and a weak password could be found from it.
 */
export function withoutPlace(event: StoredEvent): StoredEvent {
  if (event.type !== "question" || event.question.kind !== "approval") return event;
  const { place, ...question } = event.question;
  return { ...event, question };
}

/** Number of names of members that are kept, because the same few stand in every event. */
const mostNames = 1_000;
const none: ReadonlySet<string> = new Set();
/** Fields of an event that are not searched for secrets, because this program chose their values. */
const eventFields = new Set(["type", "turnId", "callId", "questionId"]);
const textFields = new Set(["type"]);
const mediaFields = new Set(["type", "mimeType", "data"]);
/**
 * Fields of a message part that are not searched for secrets. The keys of the map are types of parts. The values of these fields were
 * chosen by this program, or are the bytes of pictures, sounds and PDFs.
 */
const partFields: ReadonlyMap<unknown, ReadonlySet<string>> = new Map([
  ["text", textFields],
  ["resource_link", textFields],
  ["image", mediaFields],
  ["audio", mediaFields],
  ["file", mediaFields],
]);

/** Limits the number of messages and parts in a body. Its size in bytes is limited before it is parsed. */
import { asObject } from "../../../core/json.js";
import { ApiError } from "./api-errors.js";

/** Maximum number of objects in the lists of a body: messages, items, content parts, calls and tools. Each costs time, however small it is. */
const mostEntries = 100_000;

/** Throws ApiError if a field of the body has more entries than this host reads in one request. */
export function requireFewEntries(body: unknown): void {
  for (const [field, value] of Object.entries(asObject(body) ?? {})) {
    const count = entriesIn(value);
    if (count <= mostEntries) continue;
    const text = `${field}: ${count} entries, counting messages and the parts in them (at most ${mostEntries} in a request)`;
    throw new ApiError(400, "too_many_entries", text, field);
  }
}

function entriesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  for (const entry of Object.values(value)) {
    if (typeof entry !== "object" || entry === null) continue;
    count += entriesIn(entry) + (Array.isArray(value) ? 1 : 0);
  }
  return count;
}

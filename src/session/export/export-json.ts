import type { StoredEvent } from "../../core/events.js";
import { toVisibleJson } from "../../core/text/inert.js";

/**
 * Formats the conversation as one JSON object with all events. Names are in snake_case, and times in ISO 8601. Leaves out `kept.account`, a
 * hash of the provider's address and the API key, because a short key could be guessed from the hash. Yields the text in pieces.
 */
export async function* toJson(
  conversationId: string,
  events: AsyncIterable<StoredEvent> | Iterable<StoredEvent>,
  title = "",
): AsyncGenerator<string> {
  const named = { conversation_id: conversationId, ...(title && { title }) };
  const document = { format: "mcp-platform.conversation", version: 1, ...named };
  yield `${toVisibleJson(document, 2).slice(0, -"\n}".length)},\n  "events": [`;
  let comma = "";
  for await (const event of events) {
    yield comma + `\n${toVisibleJson(eventJson(event), 2)}`.replaceAll("\n", "\n    ");
    comma = ",";
  }
  yield "\n  ]\n}\n";
}

/** Formats the conversation as `toJson` does, on one line. */
export async function* toJsonLine(
  conversationId: string,
  events: AsyncIterable<StoredEvent>,
  title: string,
): AsyncGenerator<string> {
  const named = { conversation_id: conversationId, ...(title && { title }) };
  const document = { format: "mcp-platform.conversation", version: 1, ...named };
  yield `${toVisibleJson(document).slice(0, -"}".length)},"events":[`;
  let comma = "";
  for await (const event of events) {
    yield comma + toVisibleJson(eventJson(event));
    comma = ",";
  }
  yield "]}\n";
}

function eventJson({ seq, at, type, ...rest }: StoredEvent): object {
  return { seq, at: new Date(at).toISOString(), type, ...(snakeCase(rest) as object) };
}

/** Fields whose value is JSON from outside this program. The names inside such a value are not changed to snake_case. */
const foreign = new Set(["value", "form", "opaque", "extra"]);

function snakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => snakeCase(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      foreign.has(key) ? item : snakeCase(key === "kept" ? { ...(item as object), account: undefined } : item),
    ]),
  );
}

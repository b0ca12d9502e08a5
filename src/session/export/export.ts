import type { StoredEvent } from "../../core/events.js";
import { withoutRewound } from "../../log/folds/rewind.js";
import { toHtml } from "./export-html.js";
import { toJson } from "./export-json.js";
import { toMarkdown } from "./export-markdown.js";
import type { ExportFormat } from "./formats.js";
import { redacted } from "./redact-export.js";
import { readTranscript } from "./transcript.js";

/**
 * Exports a conversation in a form that can be shared. Removes turns that were taken back, the given secrets, and everything that looks
 * like a secret.
 */
export async function exportConversation(
  conversationId: string,
  events: readonly StoredEvent[],
  { format, secrets }: { format: ExportFormat; secrets: readonly string[] },
): Promise<string> {
  const shared = await redacted(events, secrets);
  const standing = shared.filter(isShared(shared));
  if (format === "json") return toJson(conversationId, standing);
  const transcript = await readTranscript(conversationId, shared);
  return format === "md" ? toMarkdown(transcript) : toHtml(transcript, standing);
}

function isShared(events: readonly StoredEvent[]): (event: StoredEvent) => boolean {
  const standing = new Set(withoutRewound(events));
  return (event) => event.type === "fork" || standing.has(event);
}

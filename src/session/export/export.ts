import { pausesBetween } from "../../core/async/slices.js";
import { RequestError } from "../../core/errors.js";
import { clearedMember, clearing } from "../../core/text/redaction.js";
import type { EventReader } from "../shared/event-pages.js";
import { toHtml } from "./export-html.js";
import { toJson, toJsonLine } from "./export-json.js";
import { toMarkdown } from "./export-markdown.js";
import { ExportedLog } from "./exported-log.js";
import type { ExportFormat } from "./formats.js";

/** Minimum length of a piece. A conversation has many short texts, and writing each of them for itself would cost more than making it. */
const pieceChars = 64_000;

/** Reads a conversation and, if it can, what lists show of it. */
type ExportSource = EventReader & { entry?(conversationId: string): Promise<{ title: string }> };

/**
 * Exports a conversation, with the title that lists show if the reader knows it, in a form that can be shared. Removes turns that were taken back, the given secrets, and everything that looks
 * like a secret. Yields the text in pieces, so that it is never in memory as a whole, and lets the event loop run in between. Rejects with
 * StoreError, with errors of the reader, and with RequestError `not_found` if the conversation is deleted meanwhile. The pieces so far are
 * then not a whole export, and must not be taken for one.
 */
export async function* exportConversation(
  reader: ExportSource,
  conversationId: string,
  { format, secrets }: { format: ExportFormat | "line"; secrets: readonly string[] },
): AsyncGenerator<string> {
  const title = clearedMember(clearing(secrets), "title", (await reader.entry?.(conversationId))?.title ?? "");
  const log = await ExportedLog.open({ conversationId, title, reader, secrets });
  const pause = pausesBetween();
  let piece = "";
  for await (const text of textsOf(log, format)) {
    piece += text;
    if (piece.length >= pieceChars) {
      yield piece;
      piece = "";
    }
    await pause();
  }
  yield piece;
}

/**
 * Exports all conversations, also those of single API calls and all versions, each as one line of JSON. A conversation that is deleted before its
 * line begins is left out. Rejects as `exportConversation` does.
 */
export async function* exportAll(
  conversations: ExportSource & { ids(): AsyncIterable<string> },
  secrets: readonly string[],
): AsyncGenerator<string> {
  for await (const id of conversations.ids()) {
    let hasBegun = false;
    try {
      for await (const piece of exportConversation(conversations, id, { format: "line", secrets })) {
        hasBegun = true;
        yield piece;
      }
    } catch (error) {
      if (hasBegun || !(error instanceof RequestError && error.kind === "not_found")) throw error;
    }
  }
}

function textsOf(log: ExportedLog, format: ExportFormat | "line"): AsyncGenerator<string> {
  switch (format) {
    case "line":
      return toJsonLine(log.conversationId, log.events(), log.title);
    case "json":
      return toJson(log.conversationId, log.events(), log.title);
    case "md":
      return toMarkdown(log);
    case "html":
      return toHtml(log);
  }
}

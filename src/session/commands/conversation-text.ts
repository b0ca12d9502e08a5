import type { StoredEvent } from "../../core/events.js";
import { toVisibleJson } from "../../core/text/inert.js";
import { eventLines } from "../conversations/conversation-view.js";
import type { Conversation } from "../conversations/conversations.js";
import { time } from "../export/export-facts.js";
import { columns } from "../shared/command-text.js";

/**
 * This file formats the texts that the `sessions` command prints. The texts are not escaped: the caller must make them safe for a terminal.
 */

const titleLength = 60;

export function conversationsText(conversations: readonly Conversation[]): string {
  return columns(
    conversations.map(({ conversationId, updatedAt, turns, state, title }) => [
      conversationId,
      `${time(updatedAt)} UTC`,
      `${turns} ${turns === 1 ? "turn" : "turns"}`,
      state,
      shortened(title),
    ]),
    "there is no conversation yet",
  );
}

export function conversationsJson(conversations: readonly Conversation[]): string {
  const wire = conversations.map(({ conversationId, title, turns, state, updatedAt, lastSeq }) => ({
    conversation_id: conversationId,
    title,
    turns,
    state,
    updated_at: new Date(updatedAt).toISOString(),
    last_seq: lastSeq,
  }));
  return toVisibleJson(wire, 2);
}

/**
 * Formats the events, one per line. Each line shows the event's number, which `rewind` and `fork` accept. The first line of a turn shows
 * its time. Yields a text for each page that has lines.
 */
export async function* eventsTexts(pages: AsyncIterable<readonly StoredEvent[]>): AsyncGenerator<string> {
  let isFirst = true;
  for await (const events of pages) {
    const lines = events.flatMap(linesOf);
    if (isFirst && lines[0] === "") lines.shift(); // the empty line before a turn
    if (lines.length === 0) continue;
    isFirst = false;
    yield `${lines.join("\n")}\n`;
  }
  if (isFirst) yield "nothing there\n";
}

function linesOf(event: StoredEvent): string[] {
  const [first, ...more] = eventLines(event).flatMap((line) => line.split("\n"));
  if (first === undefined) return [];
  const began = event.type === "user_message" ? ["", `${margin}${time(event.at)} UTC`] : [];
  return [...began, `${String(event.seq).padStart(margin.length - 2)}  ${first}`, ...more.map((line) => margin + line)];
}

const margin = " ".repeat(7);

function shortened(title: string): string {
  const line = title.replaceAll(/\s+/g, " ").trim();
  return line.length > titleLength ? `${line.slice(0, titleLength - 1).trimEnd()}…` : line;
}

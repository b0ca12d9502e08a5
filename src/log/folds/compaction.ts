/**
 * Plans a compaction: chooses the turns that the summary replaces, and formats their text for the model that writes the summary. Pure
 * functions.
 */
import type { StoredEvent } from "../../core/events.js";
import { linkText, type Message } from "../../core/messages.js";
import { endsOf, tailOf } from "../../core/text/excerpt.js";
import { tokensOf } from "./estimate.js";
import { latestCompaction, turnMessages, uncompacted } from "./replay.js";
import type { TurnRecord } from "./turn-records.js";

export interface CompactionPlan {
  /** `seq` of the last event that the summary covers. The summary covers every turn that ended at or before this event. */
  upToSeq: number;
  /** Estimated tokens of the turns that the summary covers. */
  tokens: number;
  /** Text of the previous summary, if there is one. The new summary must include its content. */
  previous?: string;
  messages: Message[];
}

/**
 * Returns a plan that keeps the current turn and as many of the latest turns as fit into `keepTokens`. Returns undefined if no turn is left
 * to summarise.
 */
export function planCompaction(
  events: readonly StoredEvent[],
  currentTurnId: string,
  keepTokens: number,
): CompactionPlan | undefined {
  const all = uncompacted(events, currentTurnId);
  const turns = all.filter(({ turnId, end }) => end && turnId !== currentTurnId);
  let kept = 0;
  const fits = (turn: TurnRecord) => {
    kept += tokensOf(turnMessages([turn]));
    return kept <= keepTokens;
  };
  let last = turns.findLastIndex((turn) => !fits(turn));
  // A turn may begin with tool results from the caller. The calls of these results are in the turn before, so the turn before is kept too.
  while (last >= 0 && all[last + 1]?.history[0]?.role === "tool") last--;
  const upToSeq = turns[last]?.end?.seq;
  if (upToSeq === undefined) return undefined;
  const messages = turnMessages(turns.slice(0, last + 1));
  return { upToSeq, tokens: tokensOf(messages), previous: latestCompaction(events, currentTurnId)?.summary, messages };
}

const longestExcerptBytes = 4_000;
const shortestExcerptBytes = 125;

/**
 * Returns the messages of the plan as one text of at most `maxBytes`. If the text is too long, each message is shortened. If the text is
 * still too long, the oldest messages are omitted.
 */
export function transcript({ previous, messages }: CompactionPlan, maxBytes: number): string {
  const earlier = previous === undefined ? "" : `[Summary of what was before]\n${previous}\n\n`;
  const room = Math.max(0, maxBytes - Buffer.byteLength(earlier));
  for (let excerptBytes = longestExcerptBytes; ; excerptBytes /= 2) {
    const text = messages.map((message) => told(message, excerptBytes)).join("\n");
    if (Buffer.byteLength(text) <= room) return earlier + text;
    if (excerptBytes / 2 < shortestExcerptBytes) return earlier + tailOf(text, room);
  }
}

function told(message: Message, maxBytes: number): string {
  if (message.role === "system") return `system: ${endsOf(message.content, maxBytes)}`;
  if (message.role === "assistant") {
    const calls = message.toolCalls.map(
      ({ name, arguments: text }) => `assistant calls ${name} ${endsOf(text, maxBytes)}`,
    );
    return [...(message.content ? [`assistant: ${endsOf(message.content, maxBytes)}`] : []), ...calls].join("\n");
  }
  const parts = message.content.map((part) => {
    if (part.type === "text") return part.text;
    return part.type === "resource_link" ? linkText(part) : `[${part.type} ${part.mimeType}]`;
  });
  const speaker = message.role === "user" ? "user" : message.isError ? "tool error" : "tool result";
  return `${speaker}: ${endsOf(parts.join("\n"), maxBytes)}`;
}

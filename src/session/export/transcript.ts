import type { StoredEvent } from "../../core/events.js";
import type { ContentPart } from "../../core/messages.js";
import { readTurn, validHops } from "../../log/folds/turn-records.js";
import { summarizeTurn, type TurnSummary } from "../shared/summary.js";

/** A turn for readers. All times are in ms since the epoch. */
export interface TranscriptTurn {
  turnId: string;
  startedAt: number;
  /** Time of the last event of the turn. */
  endedAt: number;
  asked: readonly ContentPart[];
  hops: TranscriptHop[];
  summary: TurnSummary;
}

export interface TranscriptHop {
  text: string;
  reasoning?: string;
  interrupted: boolean;
  calls: TranscriptCall[];
}

export interface TranscriptCall {
  name: string;
  /** Arguments as the model wrote them, usually JSON. */
  arguments: string;
  /** Absent if the call has no result. */
  result?: { content: readonly ContentPart[]; isError: boolean };
  /** Time in ms from the sending of the call until its result. */
  durationMs?: number;
}

export function transcriptTurn(events: readonly StoredEvent[]): TranscriptTurn {
  const turn = readTurn(events);
  const hops = validHops(turn).map(({ answer, calls }) => {
    const later = events.filter(({ seq }) => seq > answer.seq);
    const { content: text, reasoning } = answer.message;
    return {
      text,
      ...(reasoning ? { reasoning } : {}),
      interrupted: answer.interrupted === true,
      calls: calls.map(({ call, result }) => {
        const durationMs = durationOf(call.id, later);
        const { name, arguments: written } = call;
        return {
          name,
          arguments: written,
          ...(result ? { result } : {}),
          ...(durationMs === undefined ? {} : { durationMs }),
        };
      }),
    };
  });
  const { turnId, userContent: asked } = turn;
  const [startedAt = 0, endedAt = 0] = [events[0]?.at, events.at(-1)?.at];
  return { turnId, startedAt, endedAt, asked, hops, summary: summarizeTurn(events) };
}

/**
 * Returns how long the call took, in ms. A later answer may use the same call id again, so `events` must contain only what comes after the
 * answer with this call.
 */
function durationOf(callId: string, events: readonly StoredEvent[]): number | undefined {
  const sent = events.find((event) => event.type === "tool_sent" && event.callId === callId);
  const result = events.find((event) => event.type === "tool_result" && event.callId === callId);
  return sent && result && result.seq > sent.seq ? result.at - sent.at : undefined;
}

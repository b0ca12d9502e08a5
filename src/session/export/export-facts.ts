import { elapsedText } from "../../core/text/durations.js";
import { tokensText } from "../../core/token-usage.js";
import type { TranscriptTurn } from "./transcript.js";

/** Formats facts of a turn on one line, such as `demo/demo-1 · 120 tokens in, 40 out · 2.5 s`. */
export function turnFacts({ startedAt, endedAt, summary }: TranscriptTurn): string {
  const { provider, model, usage } = summary;
  return [
    provider && model ? `${provider}/${model}` : "",
    usage ? tokensText(usage) : "",
    elapsedText(endedAt - startedAt),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Describes how the turn ended. Returns undefined if it ended normally. */
export function endNote({ summary: { stopReason, error } }: TranscriptTurn): string | undefined {
  if (error) return `error: ${error.message}`;
  if (stopReason === "end_turn") return undefined;
  return stopReason ? `stopped: ${stopReason}` : "unfinished";
}

export function time(at: number): string {
  return new Date(at).toISOString().replace("T", " ").slice(0, 19);
}

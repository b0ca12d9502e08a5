import { signal } from "@preact/signals";
import type { LiveChunk } from "../api/host-messages.js";

export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}

/** Preview of the answer of the running turn, and the progress of its tools. The preview is cleared when the log has the answer. */
export class LiveAnswer {
  readonly text = signal("");
  readonly reasoning = signal("");
  /** Reasons why earlier attempts at this answer were broken off, one for each attempt. */
  readonly discards = signal<readonly string[]>([]);
  readonly progress = signal<ReadonlyMap<string, Progress>>(new Map());

  take(chunks: readonly LiveChunk[]): void {
    let text = this.text.value;
    let reasoning = this.reasoning.value;
    for (const chunk of chunks) {
      if (chunk.type === "text") text += chunk.data;
      else if (chunk.type === "reasoning") reasoning += chunk.data;
      else if (chunk.type === "discard") {
        if (text || reasoning) this.discards.value = [...this.discards.value, chunk.data.reason];
        text = reasoning = "";
      } else if (chunk.type === "tool_progress") {
        const { id, ...progress } = chunk.data;
        this.progress.value = new Map(this.progress.value).set(id, progress);
      }
    }
    this.text.value = text;
    this.reasoning.value = reasoning;
  }

  /** Clears the preview. Called when the log has the answer, or when the host will send the answer again. */
  clear(): void {
    this.text.value = "";
    this.reasoning.value = "";
    this.discards.value = [];
  }
}

export function liveNote({ text, reasoning, discards }: LiveAnswer): string {
  const doing = text.value ? "writing" : reasoning.value ? "thinking" : "waiting for the first word";
  const again = discards.value.length;
  return again > 0 ? `${doing}, restarted ${again === 1 ? "once" : `${again} times`}` : doing;
}

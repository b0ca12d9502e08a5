import { isBilled } from "../../core/event-facts.js";
import type { StopReason, StoredEvent } from "../../core/events.js";
import type { Meter } from "../../core/measurements.js";
import type { Usage } from "../../core/messages.js";
import { addUsage, answersBilled } from "../../core/token-usage.js";
import { type TraceContext, traceOf } from "../../core/trace-context.js";
import type { TurnLease } from "../../core/turn-leases.js";
import type { PromptOptions } from "../shared/prompt-options.js";
import type { ConversationParts } from "./session-parts.js";

interface MeasuredTurn {
  parts: Pick<ConversationParts, "meter" | "conversationId">;
  turnId: string;
  owned: { lease: Pick<TurnLease, "fence"> };
  options: PromptOptions;
}

/** Trace span and measurements of a turn, for the time during which this host runs the turn. */
export class TurnMeasure implements Disposable {
  readonly trace: TraceContext;
  readonly #meter: Meter | undefined;
  readonly #startedAt = performance.now();
  #end: { end: StopReason | "left"; error?: string } = { end: "left" };
  readonly #usage: Usage = { inputTokens: 0, outputTokens: 0 };

  constructor({ parts, turnId, owned, options }: MeasuredTurn) {
    const { meter, conversationId } = parts;
    this.#meter = meter;
    // If another host resumes the turn, that host records a span of its own in the same trace.
    this.trace = traceOf(turnId, { carried: options.trace, samples: meter?.samples, run: owned.lease.fence });
    meter?.record({ type: "turn_started", trace: this.trace, conversationId, turnId });
  }

  stored(event: StoredEvent): void {
    if (event.type === "turn_end") this.#end = { end: event.stopReason };
    if (event.type === "turn_error") this.#end = { end: "error", error: event.error.kind };
    if (isBilled(event)) {
      for (const { usage } of answersBilled(event)) if (usage) addUsage(this.#usage, usage);
    }
  }

  [Symbol.dispose](): void {
    const durationMs = performance.now() - this.#startedAt;
    const { trace } = this;
    this.#meter?.record({ type: "turn_ended", trace, durationMs, ...this.#end, usage: this.#usage });
  }
}

import type { StoredEvent, TurnEvent } from "../../../core/events.js";
import type { FinishReason, ToolCall } from "../../../core/messages.js";
import { summarizeTurn } from "../../../session/shared/summary.js";
import { limitFailure } from "../../shared/limit-failure.js";
import { errorBody } from "../shared/api-errors.js";
import { type ApiFailureInfo, apiFailureOf, responseError } from "../shared/failure.js";
import type { ApiTurnView, ServerCallFacts, StreamedEvent } from "../turns/show-turn.js";
import { lastCalls, responseId } from "../turns/turn-ids.js";
import { responseUsage, turnUsage } from "../turns/turn-usage.js";
import { type AskedFields, shownFields } from "./response-fields.js";
import { ResponseItems } from "./response-items.js";

interface ResponseFacts extends ServerCallFacts {
  /** Seconds since the epoch. */
  createdAt: number;
  asked: AskedFields;
}

/**
 * Shows a turn as OpenAI's response. Each answer becomes a `message`, and each call of a server's tool an `mcp_call`. A call of a caller's
 * tool becomes a `function_call` or a `custom_tool_call`.
 */
export class ResponseView implements ApiTurnView {
  readonly #facts: ResponseFacts;
  readonly #stored: StoredEvent[] = [];
  readonly #items: ResponseItems;
  #failure: ApiFailureInfo | undefined;
  hasSentContent = false;

  constructor(facts: ResponseFacts) {
    this.#facts = facts;
    this.#items = new ResponseItems(facts.turnKey);
  }

  start(): StreamedEvent[] {
    return ["response.created", "response.in_progress"].map((type) =>
      this.#items.event(type, { response: this.whole() }),
    );
  }

  take(event: TurnEvent): StreamedEvent[] {
    if ("seq" in event) this.#stored.push(event);
    switch (event.type) {
      case "text_delta":
        return this.#write(event.delta);
      case "assistant_message": {
        const { content } = event.message;
        return [
          ...(content && !this.#items.isMessageOpen ? this.#write(content) : []),
          ...this.#items.endMessage(event.interrupted ? "incomplete" : "completed"),
          ...(event.interrupted ? [] : this.#callersCalls(event.finishReason)),
        ];
      }
      case "tool_call":
        return this.#beginServerCall(event.call);
      case "tool_result":
        return this.#items.endServerCall(event);
      default:
        return [];
    }
  }

  end(): StreamedEvent[] {
    const type = this.#status() === "completed" ? "response.completed" : "response.incomplete";
    return [...this.#items.endUnfinished(), this.#items.event(type, { response: this.whole() })];
  }

  failureEvents(failure: ApiFailureInfo): StreamedEvent[] {
    this.#failure = failure;
    // Two events report the failure. OpenAI's client throws at the first event, so software that is built on that client handles only the
    // first event. Other clients read the second event.
    const error = { ...errorBody(failure).error, ...responseError(failure) };
    const { code, message, param } = error;
    return [
      ...this.#items.endUnfinished(),
      // OpenAI's API description has these fields at the top level, but OpenAI's service sends them in `error`. This host sends the fields
      // at the top level and in `error`.
      this.#items.event("error", { code, message, param, error }),
      this.#items.event("response.failed", { response: this.whole() }),
    ];
  }

  failureAnswer(failure: ApiFailureInfo): { status: number; body: object } {
    return { status: failure.status, body: errorBody(failure) };
  }

  whole(): object {
    const { turnKey, createdAt, model, asked } = this.#facts;
    const { stopReason } = summarizeTurn(this.#stored);
    const failure = this.#failure ?? this.#storedFailure();
    const reason = stopReason === "refusal" ? "content_filter" : "max_output_tokens";
    return {
      id: responseId(turnKey),
      object: "response",
      created_at: createdAt,
      completed_at: this.#status() === "completed" ? secondsOf(this.#stored.at(-1)) : null,
      status: this.#status(),
      error: failure ? responseError(failure) : null,
      incomplete_details: this.#status() === "incomplete" ? { reason } : null,
      model,
      output: this.#items.output,
      usage: turnUsage(this.#stored, responseUsage),
      ...shownFields(asked),
    };
  }

  /**
   * Returns the failure that the log contains. If tools ran, the call counts as unsafe to retry: the log does not show whether the call had
   * a request id, with which a retry would not run the tools again.
   */
  #storedFailure(): ApiFailureInfo | undefined {
    const error = summarizeTurn(this.#stored).error ?? limitFailure(this.#stored);
    return error && apiFailureOf(error, { ranTools: this.#stored.some(({ type }) => type === "tool_sent") });
  }

  #status(): string {
    const { stopReason } = summarizeTurn(this.#stored);
    if (stopReason === "cancelled") return "cancelled";
    if (this.#failure || stopReason === "error" || limitFailure(this.#stored)) return "failed";
    if (stopReason === undefined) return "in_progress";
    return ["max_tokens", "budget", "refusal"].includes(stopReason) ? "incomplete" : "completed";
  }

  #write(delta: string): StreamedEvent[] {
    this.hasSentContent = true;
    return this.#items.writeText(delta);
  }

  #beginServerCall(call: ToolCall): StreamedEvent[] {
    if (!this.#facts.readsServerCalls) return [];
    return this.#items.beginServerCall(call, this.#facts.serverOf(call.name) ?? { server: "", tool: call.name });
  }

  /**
   * Sends the caller's calls of an answer. If the answer was cut off, the arguments of a call may be incomplete, so the calls are marked as
   * incomplete.
   */
  #callersCalls(finishReason: FinishReason): StreamedEvent[] {
    const status = finishReason === "length" ? "incomplete" : "completed";
    const { calls, firstIndex } = lastCalls(this.#stored, this.#facts.turnKey);
    return calls.flatMap((call, index) => {
      const tool = this.#facts.callerTool(call.name);
      return tool ? this.#items.writeCallersCall(call, tool, { callIndex: firstIndex + index, status }) : [];
    });
  }
}

function secondsOf(event: StoredEvent | undefined): number | null {
  return event ? Math.floor(event.at / 1000) : null;
}

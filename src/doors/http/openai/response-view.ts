import type { EventOf, StoredEvent, TurnEvent } from "../../../core/events.js";
import type { FinishReason, ToolCall } from "../../../core/messages.js";
import { textOf } from "../../../core/messages.js";
import { summarizeTurn } from "../../../session/shared/summary.js";
import { limitFailure } from "../../shared/limit-failure.js";
import { errorBody } from "../shared/api-errors.js";
import { type ApiFailureInfo, apiFailureOf, responseError } from "../shared/failure.js";
import { type CallerTool, customInput } from "../turns/caller-tools.js";
import { lastCalls } from "../turns/logged-turns.js";
import type { ResponseWriter, StreamedEvent } from "../turns/show-turn.js";
import { itemId, responseId, type TurnPlace } from "../turns/turn-place.js";
import { responseUsage, turnUsage } from "../turns/turn-usage.js";
import { type AskedFields, shownFields } from "./response-fields.js";

interface Identity {
  place: TurnPlace;
  /** Seconds since the epoch. */
  createdAt: number;
  /** Name as `provider/model`. */
  model: string;
  asked: AskedFields;
  /** Returns the caller's tool that has this name for the model. */
  callerTool(name: string): CallerTool | undefined;
  /** Returns the server of the tool that has this name for the model. Undefined if no server offers the tool any more. */
  serverOf(tool: string): { server: string; tool: string } | undefined;
}

type OutputItem = { id: string; type: string; [field: string]: unknown };

interface PlacedItem {
  item: OutputItem;
  index: number;
}

/**
 * Shows a turn as OpenAI's response. Each answer becomes a `message`, and each call of a server's tool an `mcp_call`. A call of a caller's
 * tool becomes a `function_call` or a `custom_tool_call`.
 */
export class ResponseView implements ResponseWriter {
  readonly #identity: Identity;
  readonly #stored: StoredEvent[] = [];
  readonly #output: OutputItem[] = [];
  /** The message that is being written, with its text so far. Undefined if no message is open. */
  #open: (PlacedItem & { text: string }) | undefined;
  #sequence = 0;
  #failure: ApiFailureInfo | undefined;
  isShown = false;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  start(): StreamedEvent[] {
    return ["response.created", "response.in_progress"].map((type) => this.#event(type, { response: this.whole() }));
  }

  take(event: TurnEvent): StreamedEvent[] {
    if ("seq" in event) this.#stored.push(event);
    switch (event.type) {
      case "text_delta":
        return this.#write(event.delta);
      case "assistant_message": {
        const { content } = event.message;
        return [
          ...(content && !this.#open ? this.#write(content) : []),
          ...this.#close(event.interrupted ? "incomplete" : "completed"),
          ...(event.interrupted ? [] : this.#callersCalls(event.finishReason)),
        ];
      }
      case "tool_call":
        return this.#planned(event.call);
      case "tool_result":
        return this.#result(event);
      default:
        return [];
    }
  }

  end(): StreamedEvent[] {
    const type = this.#status() === "completed" ? "response.completed" : "response.incomplete";
    return [...this.#leave(), this.#event(type, { response: this.whole() })];
  }

  fail(failure: ApiFailureInfo): StreamedEvent[] {
    this.#failure = failure;
    // Two events report the failure. OpenAI's client throws at the first event, so software that is built on that client handles only the
    // first event. Other clients read the second event.
    const error = { ...errorBody(failure).error, ...responseError(failure) };
    const { code, message, param } = error;
    return [
      ...this.#leave(),
      // OpenAI's API description has these fields at the top level, but OpenAI's service sends them in `error`. This host sends the fields
      // at the top level and in `error`.
      this.#event("error", { code, message, param, error }),
      this.#event("response.failed", { response: this.whole() }),
    ];
  }

  failed(failure: ApiFailureInfo): { status: number; body: object } {
    return { status: failure.status, body: errorBody(failure) };
  }

  whole(): object {
    const { place, createdAt, model, asked } = this.#identity;
    const { stopReason } = summarizeTurn(this.#stored);
    const failure = this.#failure ?? this.#storedFailure();
    const reason = stopReason === "refusal" ? "content_filter" : "max_output_tokens";
    return {
      id: responseId(place),
      object: "response",
      created_at: createdAt,
      completed_at: this.#status() === "completed" ? secondsOf(this.#stored.at(-1)) : null,
      status: this.#status(),
      error: failure ? responseError(failure) : null,
      incomplete_details: this.#status() === "incomplete" ? { reason } : null,
      model,
      output: this.#output,
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
    const begun: StreamedEvent[] = [];
    if (!this.#open) {
      const item = {
        id: this.#itemId("msg", this.#output.length),
        type: "message",
        role: "assistant",
        status: "in_progress",
        content: [],
      };
      this.#open = { text: "", ...this.#add(item, begun) };
      begun.push(this.#partEvent("response.content_part.added", { part: textPart("") }));
    }
    this.isShown = true;
    this.#open.text += delta;
    return [...begun, this.#partEvent("response.output_text.delta", { delta, logprobs: [] })];
  }

  #close(status: "completed" | "incomplete"): StreamedEvent[] {
    if (!this.#open) return [];
    const { text, ...placed } = this.#open;
    placed.item.content = [textPart(text)];
    const events = [
      this.#partEvent("response.output_text.done", { text, logprobs: [] }),
      this.#partEvent("response.content_part.done", { part: textPart(text) }),
      this.#done(placed, { status }),
    ];
    this.#open = undefined;
    return events;
  }

  /** Ends the items that the turn left unfinished: an interrupted text, and calls without a result. */
  #leave(): StreamedEvent[] {
    const calls = this.#output.flatMap((item, index) =>
      item.type === "mcp_call" && item.status === "in_progress" ? [{ item, index }] : [],
    );
    const error = "the turn ended before this call had a result";
    return [...this.#close("incomplete"), ...calls.flatMap((call) => this.#endCall(call, { error }))];
  }

  #planned({ id, name, arguments: text }: ToolCall): StreamedEvent[] {
    const { server, tool } = this.#identity.serverOf(name) ?? { server: "", tool: name };
    const item = {
      id: this.#itemId("mcp", this.#output.length),
      type: "mcp_call",
      server_label: server,
      name: tool,
      arguments: "",
    };
    const events: StreamedEvent[] = [];
    const placed = this.#add({ ...item, output: null, error: null, status: "in_progress", call_id: id }, events);
    events.push(this.#event("response.mcp_call.in_progress", { output_index: placed.index, item_id: item.id }));
    return [...events, ...this.#writeText(placed, "response.mcp_call_arguments", "arguments", text)];
  }

  #result({ callId, content, isError }: EventOf<"tool_result">): StreamedEvent[] {
    // Finds the last call with this id, since a later answer may reuse an id.
    const index = this.#output.findLastIndex((item) => item.type === "mcp_call" && item.call_id === callId);
    const item = this.#output[index];
    if (!item) return [];
    const text = textOf(content);
    return this.#endCall({ item, index }, isError ? { error: text } : { output: text });
  }

  #endCall({ item, index }: PlacedItem, result: { error: string } | { output: string }): StreamedEvent[] {
    const status = "error" in result ? "failed" : "completed";
    return [
      this.#event(`response.mcp_call.${status}`, { output_index: index, item_id: item.id }),
      this.#done({ item, index }, { ...result, status }),
    ];
  }

  /**
   * Sends the caller's calls of an answer. If the answer was cut off, the arguments of a call may be incomplete, so the calls are marked as
   * incomplete.
   */
  #callersCalls(finishReason: FinishReason): StreamedEvent[] {
    const status = finishReason === "length" ? "incomplete" : "completed";
    const { calls, firstIndex } = lastCalls(this.#stored, this.#identity.place);
    return calls.flatMap((call, index) => {
      const tool = this.#identity.callerTool(call.name);
      return tool ? this.#callersCall(call, tool, { callIndex: firstIndex + index, status }) : [];
    });
  }

  #callersCall(
    call: ToolCall,
    { type, ...names }: CallerTool,
    { callIndex, status }: { callIndex: number; status: "completed" | "incomplete" },
  ): StreamedEvent[] {
    const isCustom = type === "custom";
    const id = this.#itemId(isCustom ? "ctc" : "fc", callIndex);
    const field = isCustom ? "input" : "arguments";
    const item = { id, type: isCustom ? "custom_tool_call" : "function_call", call_id: call.id, ...names, [field]: "" };
    const events: StreamedEvent[] = [];
    const placed = this.#add({ ...item, status: "in_progress" }, events);
    const written = isCustom
      ? this.#writeText(placed, "response.custom_tool_call_input", "input", customInput(call.arguments))
      : this.#writeText(placed, "response.function_call_arguments", "arguments", call.arguments, { name: names.name });
    return [...events, ...written, this.#done(placed, { status })];
  }

  /**
   * Sends the arguments or the input of a call in a single delta, since the calls of an answer are known only when the answer has ended.
   */
  #writeText(
    { item, index }: PlacedItem,
    type: string,
    field: string,
    text: string,
    more: object = {},
  ): StreamedEvent[] {
    item[field] = text;
    const place = { output_index: index, item_id: item.id };
    return [
      this.#event(`${type}.delta`, { ...place, delta: text }),
      this.#event(`${type}.done`, { ...place, ...more, [field]: text }),
    ];
  }

  #add(item: OutputItem, events: StreamedEvent[]): PlacedItem {
    const index = this.#output.push(item) - 1;
    events.push(this.#event("response.output_item.added", { output_index: index, item: { ...item } }));
    return { item, index };
  }

  #done({ item, index }: PlacedItem, end: object): StreamedEvent {
    Object.assign(item, end);
    return this.#event("response.output_item.done", { output_index: index, item: { ...item } });
  }

  #partEvent(type: string, more: object): StreamedEvent {
    const { item, index } = this.#open ?? {};
    return this.#event(type, { item_id: item?.id, output_index: index, content_index: 0, ...more });
  }

  #event(type: string, more: object): StreamedEvent {
    return { event: type, data: { type, sequence_number: this.#sequence++, ...more } };
  }

  #itemId(prefix: string, index: number): string {
    return itemId(prefix, this.#identity.place, index);
  }
}

function secondsOf(event: StoredEvent | undefined): number | null {
  return event ? Math.floor(event.at / 1000) : null;
}

function textPart(text: string): object {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

import type { EventOf } from "../../../core/events.js";
import { partsText, type ToolCall } from "../../../core/messages.js";
import { type CallerTool, customInput } from "../turns/caller-tools.js";
import type { StreamedEvent } from "../turns/show-turn.js";
import { itemId, type TurnKey } from "../turns/turn-ids.js";

type ResponseItem = { id: string; type: string; [field: string]: unknown };

interface OutputPosition {
  item: ResponseItem;
  index: number;
}

export class ResponseItems {
  readonly output: ResponseItem[] = [];
  readonly #turnKey: TurnKey;
  /** The message that is being written, with its text so far. Undefined if no message is open. */
  #open: (OutputPosition & { text: string }) | undefined;
  #sequence = 0;

  constructor(turnKey: TurnKey) {
    this.#turnKey = turnKey;
  }

  get isMessageOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Makes an event of the response with the next sequence number. */
  event(type: string, more: object): StreamedEvent {
    return { event: type, data: { type, sequence_number: this.#sequence++, ...more } };
  }

  /** Adds text to the open message. Begins a message if none is open. */
  writeText(delta: string): StreamedEvent[] {
    const begun: StreamedEvent[] = [];
    if (!this.#open) {
      const item = {
        id: this.#itemId("msg", this.output.length),
        type: "message",
        role: "assistant",
        status: "in_progress",
        content: [],
      };
      this.#open = { text: "", ...this.#add(item, begun) };
      begun.push(this.#partEvent("response.content_part.added", { part: textPart("") }));
    }
    this.#open.text += delta;
    return [...begun, this.#partEvent("response.output_text.delta", { delta, logprobs: [] })];
  }

  endMessage(status: "completed" | "incomplete"): StreamedEvent[] {
    if (!this.#open) return [];
    const { text, ...position } = this.#open;
    position.item.content = [textPart(text)];
    const events = [
      this.#partEvent("response.output_text.done", { text, logprobs: [] }),
      this.#partEvent("response.content_part.done", { part: textPart(text) }),
      this.#done(position, { status }),
    ];
    this.#open = undefined;
    return events;
  }

  /** Ends the items that the turn left unfinished: an interrupted text, and calls without a result. */
  endUnfinished(): StreamedEvent[] {
    const calls = this.output.flatMap((item, index) =>
      item.type === "mcp_call" && item.status === "in_progress" ? [{ item, index }] : [],
    );
    const error = "the turn ended before this call had a result";
    return [...this.endMessage("incomplete"), ...calls.flatMap((call) => this.#endServerCall(call, { error }))];
  }

  beginServerCall(
    { id, arguments: text }: ToolCall,
    { server, tool }: { server: string; tool: string },
  ): StreamedEvent[] {
    const item = {
      id: this.#itemId("mcp", this.output.length),
      type: "mcp_call",
      server_label: server,
      name: tool,
      arguments: "",
    };
    const events: StreamedEvent[] = [];
    const position = this.#add({ ...item, output: null, error: null, status: "in_progress", call_id: id }, events);
    events.push(this.event("response.mcp_call.in_progress", { output_index: position.index, item_id: item.id }));
    return [...events, ...this.#writeField(position, "response.mcp_call_arguments", "arguments", text)];
  }

  endServerCall({ callId, content, isError }: EventOf<"tool_result">): StreamedEvent[] {
    // Finds the last call with this id, since a later answer may reuse an id.
    const index = this.output.findLastIndex((item) => item.type === "mcp_call" && item.call_id === callId);
    const item = this.output[index];
    if (!item) return [];
    const text = partsText(content);
    return this.#endServerCall({ item, index }, isError ? { error: text } : { output: text });
  }

  /** Writes the item of a call of a caller's tool. `callIndex` is the index of the call among all calls of the turn. */
  writeCallersCall(
    call: ToolCall,
    { type, ...names }: CallerTool,
    { callIndex, status }: { callIndex: number; status: "completed" | "incomplete" },
  ): StreamedEvent[] {
    const isCustom = type === "custom";
    const id = this.#itemId(isCustom ? "ctc" : "fc", callIndex);
    const field = isCustom ? "input" : "arguments";
    const item = { id, type: isCustom ? "custom_tool_call" : "function_call", call_id: call.id, ...names, [field]: "" };
    const events: StreamedEvent[] = [];
    const position = this.#add({ ...item, status: "in_progress" }, events);
    const written = isCustom
      ? this.#writeField(position, "response.custom_tool_call_input", "input", customInput(call.arguments))
      : this.#writeField(position, "response.function_call_arguments", "arguments", call.arguments, {
          name: names.name,
        });
    return [...events, ...written, this.#done(position, { status })];
  }

  #endServerCall({ item, index }: OutputPosition, result: { error: string } | { output: string }): StreamedEvent[] {
    const status = "error" in result ? "failed" : "completed";
    return [
      this.event(`response.mcp_call.${status}`, { output_index: index, item_id: item.id }),
      this.#done({ item, index }, { ...result, status }),
    ];
  }

  /**
   * Sends the arguments or the input of a call in a single delta, since the calls of an answer are known only when the answer has ended.
   */
  #writeField(
    { item, index }: OutputPosition,
    eventPrefix: string,
    field: string,
    text: string,
    more: object = {},
  ): StreamedEvent[] {
    item[field] = text;
    const position = { output_index: index, item_id: item.id };
    return [
      this.event(`${eventPrefix}.delta`, { ...position, delta: text }),
      this.event(`${eventPrefix}.done`, { ...position, ...more, [field]: text }),
    ];
  }

  #add(item: ResponseItem, events: StreamedEvent[]): OutputPosition {
    const index = this.output.push(item) - 1;
    events.push(this.event("response.output_item.added", { output_index: index, item: { ...item } }));
    return { item, index };
  }

  #done({ item, index }: OutputPosition, end: object): StreamedEvent {
    Object.assign(item, end);
    return this.event("response.output_item.done", { output_index: index, item: { ...item } });
  }

  #partEvent(type: string, more: object): StreamedEvent {
    const { item, index } = this.#open ?? {};
    return this.event(type, { item_id: item?.id, output_index: index, content_index: 0, ...more });
  }

  #itemId(prefix: string, index: number): string {
    return itemId(prefix, this.#turnKey, index);
  }
}

function textPart(text: string): object {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

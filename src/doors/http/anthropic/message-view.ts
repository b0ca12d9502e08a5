import type { AssistantMessageEvent, EventOf, StopReason, StoredEvent, TurnEvent } from "../../../core/events.js";
import { isPlainObject } from "../../../core/json.js";
import type { ToolCall } from "../../../core/messages.js";
import { summarizeTurn } from "../../../session/shared/summary.js";
import { parsedArguments } from "../../shared/tool-input.js";
import { anthropicError } from "../shared/answer-problem.js";
import type { ApiFailureInfo } from "../shared/failure.js";
import { type ApiTurnView, callsForCaller, type ServerCallFacts, type StreamedEvent } from "../turns/show-turn.js";
import { StopSequences } from "../turns/stop-sequences.js";
import { itemId } from "../turns/turn-ids.js";
import { turnUsage } from "../turns/turn-usage.js";
import { anthropicUsage, resultBlock, toolInput } from "./anthropic-blocks.js";
import type { AnthropicBlock } from "./anthropic-body.js";

interface MessageFacts extends ServerCallFacts {
  requestId: string;
  /** Estimated input tokens of the request. The provider's own count arrives only with the answer. */
  inputTokens: number;
  /** Part of the model's thinking that the caller sees: the text, only the fact that the model has thought, or nothing. */
  thinking: "shown" | "omitted" | "none";
  stopSequences: readonly string[];
}

/**
 * Shows a turn as one message of Anthropic's API. Calls of the MCP servers' tools, with their results, look like MCP calls that Anthropic
 * itself has run. Calls of the caller's own tools come last, because the caller has to run them.
 */
export class MessageView implements ApiTurnView {
  readonly ping = event("ping", {});
  readonly #facts: MessageFacts;
  readonly #stored: StoredEvent[] = [];
  readonly #content: AnthropicBlock[] = [];
  /** True while the last block of the content is being written. */
  #isOpen = false;
  /**
   * Ids of the `mcp_tool_use` blocks, keyed by the model's id of the call. If a later answer reuses a model's id, the entry then has the id
   * of the new block.
   */
  readonly #serverCalls = new Map<string, string>();
  /** Kinds of content that were sent as deltas of the current answer. */
  readonly #sentAsDelta = new Set<string>();
  readonly #stops: StopSequences;
  hasSentContent = false;

  constructor(facts: MessageFacts) {
    this.#facts = facts;
    this.#stops = new StopSequences(facts.stopSequences);
  }

  start(): StreamedEvent[] {
    const usage = anthropicUsage({ inputTokens: this.#facts.inputTokens });
    return [
      event("message_start", { message: this.#message([], { stop_reason: null, stop_sequence: null, usage }) }),
      this.ping,
    ];
  }

  take(turnEvent: TurnEvent): StreamedEvent[] {
    if ("seq" in turnEvent) this.#stored.push(turnEvent);
    if (this.#stops.found !== undefined) return [];
    switch (turnEvent.type) {
      case "text_delta":
        this.#sentAsDelta.add("text");
        return this.#say(this.#stops.take(turnEvent.delta));
      case "reasoning_delta":
        this.#sentAsDelta.add("thinking");
        return this.#think(turnEvent.delta);
      case "assistant_message":
        return this.#endAnswer(turnEvent);
      case "tool_call":
        return this.#serverCall(turnEvent.call);
      case "tool_result":
        return this.#result(turnEvent);
      case "discard":
        this.#sentAsDelta.clear();
        this.#stops.rest();
        return [];
      default:
        return [];
    }
  }

  end(): StreamedEvent[] {
    const { calls, delta, usage } = this.#end();
    return [
      ...this.#close(),
      ...calls.flatMap((call) => this.#callersCall(call)),
      event("message_delta", { delta, usage }),
      event("message_stop", {}),
    ];
  }

  failureEvents(failure: ApiFailureInfo): StreamedEvent[] {
    const { body } = anthropicError(failure, this.#facts.requestId);
    return [{ event: "error", data: body }];
  }

  failureAnswer(failure: ApiFailureInfo): { status: number; body: object } {
    return anthropicError(failure, this.#facts.requestId);
  }

  whole(): object {
    const { calls, delta, usage } = this.#end();
    this.#close();
    for (const call of calls) this.#callersCall(call);
    return this.#message(this.#content, { ...delta, usage });
  }

  #say(text: string): StreamedEvent[] {
    if (text === "") return [];
    this.hasSentContent = true;
    const { events, block, index } = this.#continue({ type: "text", text: "" });
    block.text += text;
    return [...events, event("content_block_delta", { index, delta: { type: "text_delta", text } })];
  }

  #think(text: string): StreamedEvent[] {
    const { thinking } = this.#facts;
    if (thinking === "none") return [];
    this.hasSentContent = true;
    const { events, block, index } = this.#continue({ type: "thinking", thinking: "", signature: "" });
    if (thinking === "omitted") return events;
    block.thinking += text;
    return [...events, event("content_block_delta", { index, delta: { type: "thinking_delta", thinking: text } })];
  }

  /** Sends the parts of the answer that were not sent as deltas. Ends the last block. */
  #endAnswer({ message: { reasoning, content } }: AssistantMessageEvent): StreamedEvent[] {
    const events = [
      ...(reasoning && !this.#sentAsDelta.has("thinking") ? this.#think(reasoning) : []),
      ...(this.#sentAsDelta.has("text") ? [] : this.#say(this.#stops.take(content))),
      ...this.#say(this.#stops.rest()),
      ...this.#close(),
    ];
    this.#sentAsDelta.clear();
    return events;
  }

  #serverCall({ id: callId, name, arguments: text }: ToolCall): StreamedEvent[] {
    if (!this.#facts.readsServerCalls) return [];
    const { server, tool } = this.#facts.serverOf(name) ?? { server: "", tool: name };
    const id = itemId("mcptoolu", this.#facts.turnKey, this.#content.length);
    this.#serverCalls.set(callId, id);
    return this.#add({ type: "mcp_tool_use", id, name: tool, server_name: server, input: toolInput(text) });
  }

  #result({ callId, content, isError }: EventOf<"tool_result">): StreamedEvent[] {
    const toolUseId = this.#serverCalls.get(callId);
    if (toolUseId === undefined) return [];
    return this.#add({
      type: "mcp_tool_result",
      tool_use_id: toolUseId,
      is_error: isError,
      content: content.map(resultBlock),
    });
  }

  /**
   * Sends a call of a caller's tool. The input is sent in a delta and not in `content_block_start`, since clients read the input only from
   * deltas.
   */
  #callersCall({ id, name, arguments: text }: ToolCall): StreamedEvent[] {
    const block = { type: "tool_use", id, name, input: {} };
    const index = this.#content.push({ ...block, input: toolInput(text) }) - 1;
    const partialJson = isPlainObject(parsedArguments(text)?.value) ? text : JSON.stringify(toolInput(text));
    return [
      event("content_block_start", { index, content_block: block }),
      event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: partialJson } }),
      event("content_block_stop", { index }),
    ];
  }

  #add(block: AnthropicBlock): StreamedEvent[] {
    const before = this.#close();
    const index = this.#content.push(block) - 1;
    return [
      ...before,
      event("content_block_start", { index, content_block: block }),
      event("content_block_stop", { index }),
    ];
  }

  #continue<Begun extends AnthropicBlock>(begun: Begun): { events: StreamedEvent[]; block: Begun; index: number } {
    const last = this.#content.at(-1);
    if (this.#isOpen && last?.type === begun.type) {
      return { events: [], block: last as Begun, index: this.#content.length - 1 };
    }
    const events = this.#close();
    this.#isOpen = true;
    const index = this.#content.push(begun) - 1;
    return {
      events: [...events, event("content_block_start", { index, content_block: { ...begun } })],
      block: begun,
      index,
    };
  }

  #close(): StreamedEvent[] {
    const block = this.#content.at(-1);
    if (!this.#isOpen || !block) return [];
    this.#isOpen = false;
    const index = this.#content.length - 1;
    const stop = event("content_block_stop", { index });
    if (block.type !== "thinking") return [stop];
    block.signature = itemId("think", this.#facts.turnKey, index);
    const delta = { type: "signature_delta", signature: block.signature };
    return [event("content_block_delta", { index, delta }), stop];
  }

  #end() {
    const { inputTokens } = this.#facts;
    const { stopReason } = summarizeTurn(this.#stored);
    const usage = turnUsage(this.#stored, anthropicUsage) ?? anthropicUsage({ inputTokens });
    const { found } = this.#stops;
    if (found !== undefined) return { calls: [], usage, delta: { stop_reason: "stop_sequence", stop_sequence: found } };
    // If the answer was cut off, its calls may be incomplete, so the calls are left out.
    const calls = stopReason === "end_turn" ? callsForCaller(this.#stored, this.#facts) : [];
    const stopped = calls.length > 0 ? "tool_use" : stopReasonOf(stopReason);
    return { calls, usage, delta: { stop_reason: stopped, stop_sequence: null } };
  }

  #message(content: readonly AnthropicBlock[], end: object): object {
    const { turnKey, model } = this.#facts;
    const head = { id: itemId("msg", turnKey, 0), type: "message", role: "assistant", model, content };
    return { ...head, container: null, stop_details: null, ...end };
  }
}

function event(type: string, fields: object): StreamedEvent {
  return { event: type, data: { type, ...fields } };
}

function stopReasonOf(stopReason: StopReason | undefined): string {
  const reasons: Partial<Record<StopReason, string>> = {
    max_tokens: "max_tokens",
    budget: "max_tokens",
    refusal: "refusal",
  };
  return (stopReason && reasons[stopReason]) ?? "end_turn";
}

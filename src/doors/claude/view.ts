import { type EventOf, isUnsaid, type StoredEvent, type TurnEvent } from "../../core/events.js";
import type { OneshotSummary, OneshotView, TurnStart } from "../printed/views.js";
import type { DoorParts } from "../shared/door.js";
import { anthropicStopReason, anthropicUsage, type SessionUsage } from "./anthropic-usage.js";
import { assistantBlocks, resultBlock } from "./content-blocks.js";
import { PartialMessage } from "./partial.js";
import { resultMessage } from "./result-message.js";
import { initFacts, permissionModeOf } from "./state.js";

type StoredAnswer = EventOf<"assistant_message">;

/** Facts about this process that the output stream reports, and which messages the stream has. */
export interface ClaudeOptions {
  cwd: string;
  version: string;
  approval: "ask" | "auto";
  includePartialMessages: boolean;
  /** True if the stream has only the `result` message of the turn. */
  hasOnlyResult?: boolean;
  newUuid: () => string;
}

export interface ClaudeStream extends ClaudeOptions {
  parts: Pick<DoorParts, "hub" | "newId" | "now">;
  conversationId: string;
  account: SessionUsage;
  /** Writes a message. Resolves when the next message may be written. */
  write: (message: object) => Promise<void>;
}

/** Writes one turn as Claude Code's `stream-json`: `system/init`, then the messages of the turn, then exactly one `result`. */
export class ClaudeView implements OneshotView {
  readonly #stream: ClaudeStream;
  readonly #startedAt: number;
  readonly #events: StoredEvent[] = [];
  #model = "";
  #messageId: string;
  #partial: PartialMessage | undefined;

  constructor(stream: ClaudeStream) {
    this.#stream = stream;
    this.#startedAt = stream.parts.now();
    this.#messageId = stream.parts.newId("msg");
  }

  /** Writes `init`. Waits for the servers first, so that `init` lists the servers' tools. The turn waits for the servers as well. */
  async start({ model: { model }, signal }: TurnStart): Promise<void> {
    const { parts, cwd, approval, version } = this.#stream;
    this.#model = model;
    await parts.hub.offered(signal).catch(() => {}); // the turn itself reports an error of the servers
    const permissionMode = permissionModeOf(approval);
    const facts = { ...initFacts(parts.hub), cwd, model, permissionMode, claude_code_version: version };
    await this.#write({ type: "system", subtype: "init", ...facts });
  }

  async show(event: TurnEvent): Promise<void> {
    if ("seq" in event) this.#events.push(event);
    switch (event.type) {
      case "text_delta":
      case "reasoning_delta":
        return this.#writePartial((partial) => partial.delta(event));
      case "discard":
        return this.#nextMessage();
      case "assistant_message":
        if (isUnsaid(event)) return this.#nextMessage();
        await this.#writePartial((partial) => partial.end(event));
        return this.#assistant(event);
      case "tool_result": {
        const { callId, content, isError } = event;
        const block = {
          type: "tool_result",
          tool_use_id: callId,
          content: content.map(resultBlock),
          is_error: isError,
        };
        const message = { role: "user", content: [block] };
        return this.#write({ type: "user", message, parent_tool_use_id: null });
      }
    }
  }

  async end(summary: OneshotSummary): Promise<void> {
    const { account, parts } = this.#stream;
    for (const event of this.#events) account.add(event);
    const { subtype, is_error, ...facts } = resultMessage(summary, this.#events);
    const duration_ms = parts.now() - this.#startedAt;
    await this.#write({ type: "result", subtype, is_error, duration_ms, ...facts, ...account.total() });
  }

  async #assistant(event: StoredAnswer): Promise<void> {
    const { message, model, finishReason, usage, interrupted } = event;
    const wire = {
      id: this.#messageId,
      type: "message",
      role: "assistant",
      model,
      content: assistantBlocks(message),
      stop_reason: interrupted ? null : anthropicStopReason(finishReason),
      stop_sequence: null,
      usage: anthropicUsage(usage),
    };
    this.#nextMessage();
    await this.#write({
      type: "assistant",
      message: wire,
      parent_tool_use_id: null,
      ...(interrupted && { aborted: true }),
    });
  }

  #nextMessage(): void {
    this.#messageId = this.#stream.parts.newId("msg");
    this.#partial = undefined;
  }

  async #writePartial(events: (partial: PartialMessage) => object[]): Promise<void> {
    if (!this.#stream.includePartialMessages) return;
    this.#partial ??= new PartialMessage(this.#messageId, this.#model);
    for (const event of events(this.#partial)) {
      await this.#write({ type: "stream_event", event, parent_tool_use_id: null });
    }
  }

  async #write(message: { type: string; [field: string]: unknown }): Promise<void> {
    const { write, conversationId, newUuid, hasOnlyResult } = this.#stream;
    if (hasOnlyResult && message.type !== "result") return;
    await write({ ...message, session_id: conversationId, uuid: newUuid() });
  }
}

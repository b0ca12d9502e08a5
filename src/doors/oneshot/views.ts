import type { TurnEvent } from "../../core/events.js";
import type { ToolHub } from "../../core/ports.js";
import { InertText, toVisibleJson, unambiguous } from "../../core/text/inert.js";
import type { TurnSummary } from "../../session/shared/summary.js";
import { wireUsage } from "../protocol/chunks.js";
import { errorMessage, TurnEncoder } from "../protocol/protocol.js";
import type { DoorParts } from "../shared/door.js";
import type { Output } from "../shared/output.js";
import { errorLines, ServerLosses, stopNote, ToolLines } from "../shared/turn-lines.js";

export interface TurnStart {
  turnId?: string;
  cached: boolean;
  model: { provider: string; model: string };
}

interface Identity {
  requestId: string;
  conversationId: string;
}

/** A format in which a turn is printed. `end` is called exactly once, even if the turn could not start. */
export interface OneshotView {
  start(turn: TurnStart): Promise<void>;
  show(event: TurnEvent): Promise<void>;
  end(summary: OneshotSummary): Promise<void>;
}

export interface OneshotSummary extends TurnSummary {
  /** Patterns of the tools that were denied because nobody could be asked. Absent if no tool was denied. */
  denied?: readonly string[];
}

interface TextTarget {
  stdout: Output;
  stderr: Output;
  toolNotifications: boolean;
  /** True if control characters are removed from the answer. */
  inertText: boolean;
  /** Maximum width of a line on stderr, in columns. */
  noteWidth: number;
}

/**
 * Prints the answer's text while it arrives. A blank line separates the texts of two model requests, and the last text ends with a line
 * end.
 */
export class TextView implements OneshotView {
  readonly #target: TextTarget;
  readonly #lines: ToolLines;
  readonly #losses = new ServerLosses();
  readonly #inert = new InertText();
  /** Last two characters that were printed. They show how many line ends are still needed before the next text. */
  #tail = "";
  #messageShown = false;
  #betweenTexts = false;

  constructor(hub: ToolHub, target: TextTarget) {
    this.#target = target;
    this.#lines = new ToolLines(hub);
  }

  async start(): Promise<void> {}

  async show(event: TurnEvent): Promise<void> {
    const { toolNotifications, noteWidth } = this.#target;
    switch (event.type) {
      case "text_delta":
        this.#messageShown = true;
        return this.#text(event.delta);
      case "assistant_message":
        if (!this.#messageShown) await this.#text(event.message.content);
        return this.#newText();
      case "discard":
        this.#newText();
        return this.#note(`the answer starts again: ${event.reason}`);
      case "tool_call":
        if (toolNotifications) await this.#note(this.#lines.call(event.call, noteWidth));
        return;
      case "tool_sent":
        return this.#lines.sent(event);
      case "server_status": {
        const line = this.#losses.line(event);
        if (toolNotifications && line) await this.#note(line);
        return;
      }
      case "tool_result":
        if (toolNotifications) await this.#note(this.#lines.result(event, noteWidth));
    }
  }

  async end(summary: TurnSummary): Promise<void> {
    await this.#closeText();
    if (this.#tail !== "" && !this.#tail.endsWith("\n")) await this.#target.stdout.write("\n");
    if (summary.error) return this.#target.stderr.write(unambiguous(errorLines(summary.error)));
    const note = stopNote(summary);
    if (note) await this.#note(note);
  }

  #newText(): void {
    this.#messageShown = false;
    this.#betweenTexts = this.#tail !== "";
  }

  async #text(delta: string): Promise<void> {
    const text = this.#target.inertText ? this.#inert.push(delta) : delta;
    if (!this.#betweenTexts) return this.#print(text);
    const trimmed = text.replace(/^\n+/, "");
    if (trimmed === "") return;
    this.#betweenTexts = false;
    const gap = this.#tail.endsWith("\n\n") ? "" : this.#tail.endsWith("\n") ? "\n" : "\n\n";
    await this.#print(gap + trimmed);
  }

  #print(text: string): Promise<void> {
    this.#tail = (this.#tail + text).slice(-2);
    return this.#target.stdout.write(text);
  }

  /** Prevents the answer from changing the reading order of a note that appears on its line. */
  async #closeText(): Promise<void> {
    const closers = this.#inert.close();
    if (closers !== "") await this.#print(closers);
  }

  async #note(line: string): Promise<void> {
    await this.#closeText();
    return this.#target.stderr.write(`${unambiguous(line)}\n`);
  }
}

/** Prints one JSON object at the end of the turn. */
export class JsonView implements OneshotView {
  readonly #parts: DoorParts;
  readonly #identity: Identity;
  readonly #stdout: Output;
  readonly #startedAt: number;
  #turn: Partial<TurnStart> = {};

  constructor(parts: DoorParts, identity: Identity, stdout: Output) {
    this.#parts = parts;
    this.#identity = identity;
    this.#stdout = stdout;
    this.#startedAt = parts.now();
  }

  async start(turn: TurnStart): Promise<void> {
    this.#turn = turn;
  }

  async show(): Promise<void> {}

  async end(summary: OneshotSummary): Promise<void> {
    const { turnId = null, model } = this.#turn;
    const object = {
      conversation_id: this.#identity.conversationId,
      request_id: this.#identity.requestId,
      turn_id: turnId,
      stop_reason: summary.stopReason,
      text: summary.text,
      model: summary.model ?? model?.model ?? null,
      provider: summary.provider ?? model?.provider ?? null,
      usage: wireUsage(summary.usage, summary.costUsd),
      tool_calls: summary.toolCalls.map(({ isError, ...call }) => ({ ...call, is_error: isError })),
      attempts: summary.attempts,
      duration_ms: this.#parts.now() - this.#startedAt,
      denied: summary.denied,
      error: summary.error,
    };
    await this.#stdout.write(`${toVisibleJson(object)}\n`);
  }
}

/** Prints the same messages as `mcp-platform stdio`, one per line. */
export class StreamJsonView implements OneshotView {
  readonly #identity: Identity;
  readonly #stdout: Output;
  #encoder: TurnEncoder | undefined;
  #ended = false;

  constructor(identity: Identity, stdout: Output) {
    this.#identity = identity;
    this.#stdout = stdout;
  }

  async start({ turnId, cached, model }: TurnStart): Promise<void> {
    this.#encoder = new TurnEncoder({ ...this.#identity, turnId, cached, model });
    await this.#write(this.#encoder.start());
  }

  async show(event: TurnEvent): Promise<void> {
    for (const message of this.#encoder?.encode(event) ?? []) {
      this.#ended ||= message.status === "complete" || message.status === "error";
      await this.#write(message);
    }
  }

  async end({ error }: TurnSummary): Promise<void> {
    if (!this.#ended && error) await this.#write(errorMessage(this.#identity.requestId, error));
  }

  #write(message: object): Promise<void> {
    return this.#stdout.write(`${toVisibleJson(message)}\n`);
  }
}

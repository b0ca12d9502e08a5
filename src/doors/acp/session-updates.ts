/**
 * Encodes the events of one turn as ACP session updates. The events may be live events or events from the log.
 * https://agentclientprotocol.com/protocol/v1/prompt-turn
 */
import type { PlanEntry, SessionUpdate } from "@agentclientprotocol/sdk";
import type { AssistantMessageEvent, LiveEvent, StoredEvent, TurnEvent } from "../../core/events.js";
import { asObject } from "../../core/json.js";
import type { ContentPart, Spent } from "../../core/messages.js";
import type { HubTool } from "../../core/ports.js";
import { usageOfRequest } from "../protocol/chunks.js";
import { rawInput, textBlock, toBlock } from "./content.js";

/**
 * Field in `_meta` of a usage update. It holds the token counts of the last request, in the format of this host's own protocol (`stdio`,
 * `/ws/chat`). ACP itself has no field for token counts.
 */
const usageField = "mcp-platform/usage";

/** Cost of a session up to now. */
export interface ShownUsage {
  /** Undefined if the price of any answer was unknown. */
  usd: number | undefined;
}

interface UpdatedTurn {
  turnId: string;
  /** Returns the tool that has this name for the model. */
  tool: (name: string) => Pick<HubTool, "server" | "tool"> | undefined;
  /** Context window of the model, in tokens. */
  contextWindow: number;
  account: ShownUsage;
  showsPrompt: boolean;
}

export class UpdateEncoder {
  readonly #turn: UpdatedTurn;
  #hop = 0;
  #restarts = 0;
  /** True for the parts of the next assistant message that were already sent as deltas. */
  #shown = { text: false, reasoning: false };

  constructor(turn: UpdatedTurn) {
    this.#turn = turn;
  }

  encode(event: TurnEvent): SessionUpdate[] {
    return "seq" in event ? this.#stored(event) : this.#live(event);
  }

  /** Returns an id for a call that is unique in the session, even if the model reuses its ids. */
  callId(callId: string): string {
    return `${this.#turn.turnId}/${this.#hop}/${callId}`;
  }

  #live(event: LiveEvent): SessionUpdate[] {
    switch (event.type) {
      case "text_delta":
        this.#shown.text = true;
        return [this.#agentMessage(event.delta)];
      case "reasoning_delta":
        this.#shown.reasoning = true;
        return [this.#thought(event.delta)];
      case "discard": {
        if (!this.#shown.text && !this.#shown.reasoning) return [];
        this.#shown = { text: false, reasoning: false };
        const note = this.#agentMessage(`\n\n(the answer starts again: ${event.reason})\n\n`);
        this.#restarts++;
        return [note];
      }
      case "tool_progress": {
        const { callId, progress, total, message } = event;
        const count = total === undefined ? `${progress}` : `${progress}/${total}`;
        const text = message ? `${message} (${count})` : count;
        return [this.#called(callId, { status: "in_progress", content: shownContent([{ type: "text", text }]) })];
      }
      case "server_status":
        return [];
    }
  }

  #stored(event: StoredEvent): SessionUpdate[] {
    switch (event.type) {
      case "user_message":
        if (!this.#turn.showsPrompt) return [];
        return event.content.map((part) => ({
          sessionUpdate: "user_message_chunk",
          content: toBlock(part),
          messageId: event.turnId,
        }));
      case "assistant_message":
        return this.#answered(event);
      case "tool_call": {
        const { id, name, arguments: text } = event.call;
        const known = this.#turn.tool(name);
        const input = rawInput(text);
        const call: SessionUpdate = {
          sessionUpdate: "tool_call",
          toolCallId: this.callId(id),
          title: known ? `${known.server}.${known.tool}` : name,
          name,
          kind: "other",
          status: "pending",
          rawInput: input,
        };
        const entries = planOf(known?.tool ?? name, input);
        return entries ? [call, { sessionUpdate: "plan", entries }] : [call];
      }
      case "tool_sent":
        return [this.#called(event.callId, { status: "in_progress" })];
      case "tool_result": {
        const status = event.isError ? "failed" : "completed";
        return [this.#called(event.callId, { status, content: shownContent(event.content) })];
      }
      case "compaction":
        this.#paid(event.spent);
        return [];
      case "turn_error":
        return this.#turn.showsPrompt ? [this.#agentMessage(`(error: ${event.error.message})`)] : [];
      case "question":
      case "answer":
      case "trim":
      case "state_lost":
      case "catalogue":
      case "turn_end":
      case "rewind":
      case "fork":
      case "title":
        return [];
      default:
        event satisfies never; // at run time, an event of a later version of this program
        return [];
    }
  }

  #answered(event: AssistantMessageEvent): SessionUpdate[] {
    const { message, usage, spent } = event;
    const updates: SessionUpdate[] = [];
    if (message.reasoning && !this.#shown.reasoning) updates.push(this.#thought(message.reasoning));
    if (message.content && !this.#shown.text) updates.push(this.#agentMessage(message.content));
    this.#shown = { text: false, reasoning: false };
    this.#hop++;
    this.#restarts = 0;
    this.#paid(spent);
    const { account, contextWindow } = this.#turn;
    if (!usage) return updates;
    const cost = account.usd === undefined ? {} : { cost: { amount: account.usd, currency: "USD" } };
    const used = usage.inputTokens + usage.outputTokens;
    const Meta = { [usageField]: usageOfRequest(event) };
    return [...updates, { sessionUpdate: "usage_update", used, size: contextWindow, ...cost, _meta: Meta }];
  }

  #paid(spent: Spent | undefined): void {
    const { account } = this.#turn;
    if (account.usd !== undefined) account.usd = spent?.usd === undefined ? undefined : account.usd + spent.usd;
  }

  #agentMessage(text: string): SessionUpdate {
    return { sessionUpdate: "agent_message_chunk", content: textBlock(text), messageId: this.#messageId };
  }

  #thought(text: string): SessionUpdate {
    return { sessionUpdate: "agent_thought_chunk", content: textBlock(text), messageId: `${this.#messageId}/thought` };
  }

  #called(
    callId: string,
    changes: Omit<Extract<SessionUpdate, { sessionUpdate: "tool_call_update" }>, "sessionUpdate" | "toolCallId">,
  ): SessionUpdate {
    return { sessionUpdate: "tool_call_update", toolCallId: this.callId(callId), ...changes };
  }

  /** Id of the current message. The client starts a new message whenever the id changes. */
  get #messageId(): string {
    return `${this.#turn.turnId}/${this.#hop}${"+".repeat(this.#restarts)}`;
  }
}

function shownContent(content: readonly ContentPart[]) {
  return content.map((part) => ({ type: "content" as const, content: toBlock(part) }));
}

const planTools = /^(update_plan|(write_todos?)|(todo_?write))$/i;
const listKeys = ["plan", "todos", "entries", "steps"];
const textKeys = ["content", "step", "title", "description"];

const statuses: ReadonlyMap<unknown, PlanEntry["status"]> = new Map([
  ["in_progress", "in_progress"],
  ["completed", "completed"],
  ["done", "completed"],
]);

/** Returns the steps of the plan that a call writes. Undefined if the call writes no plan. `tool` is the tool's name at its server. */
function planOf(tool: string, input: unknown): PlanEntry[] | undefined {
  if (!planTools.test(tool)) return undefined;
  const list = listKeys.map((key) => asObject(input)?.[key]).find(Array.isArray);
  return list?.flatMap((item) => {
    const step = asObject(item) ?? {};
    const content = textKeys.map((key) => step[key]).find((text) => typeof text === "string");
    if (typeof content !== "string") return [];
    const priority = step.priority === "high" || step.priority === "low" ? step.priority : "medium";
    return [{ content, priority, status: statuses.get(step.status) ?? "pending" }];
  });
}

import type { ErrorInfo, EventOf, TurnEvent } from "../../core/events.js";
import type { ToolCall } from "../../core/messages.js";
import { textOf } from "../../core/messages.js";
import type { ToolHub } from "../../core/ports.js";
import { tokensText } from "../../core/token-usage.js";
import type { TurnSummary } from "../../session/shared/summary.js";
import { dollars, stoppedText } from "./limit-text.js";
import { oneLine } from "./terminal.js";

type ToolResultEvent = EventOf<"tool_result">;

/** Formats a turn's tool calls as lines for people: one line when a call is planned, and one when its result has arrived. */
export class ToolLines {
  readonly #hub: ToolHub;
  readonly #sentAt = new Map<string, number>();

  constructor(hub: ToolHub) {
    this.#hub = hub;
  }

  /** Returns the line of a planned call, such as `> demo.add {"a":2,"b":40}`. */
  call({ name, arguments: text }: ToolCall, width: number): string {
    return oneLine(`> ${this.name(name)} ${text}`, width);
  }

  /** Stores the time at which a call was sent. The time comes from the log, so that a replayed turn shows the true duration. */
  sent({ callId, at }: { callId: string; at: number }): void {
    this.#sentAt.set(callId, at);
  }

  /**
   * Returns the line of a result: `  demo.add ok 12 ms`, or `  demo.add error 12 ms: start of the error's text`. The line has no duration
   * if the call was not sent.
   */
  result({ callId, name, content, isError, at }: ToolResultEvent, width: number): string {
    const sentAt = this.#sentAt.get(callId);
    const duration = sentAt === undefined ? "" : ` ${at - sentAt} ms`;
    const outcome = isError ? `error${duration}: ${textOf(content)}` : `ok${duration}`;
    return `  ${oneLine(`${this.name(name)} ${outcome}`, width - 2)}`;
  }

  /** Returns the tool's name as `server.tool`. If the tool is unknown, returns the name that the model wrote. */
  name(modelSideName: string): string {
    const known = this.#hub.tools().find(({ name }) => name === modelSideName);
    return known ? `${known.server}.${known.tool}` : modelSideName;
  }
}

/**
 * Formats lines for people about servers whose connection is lost or restored during a turn. The states failed, needs_auth and degraded are
 * left out: they are logged as warnings, which people see even without a turn. Servers that become ready at their first start are not
 * reported.
 */
export class ServerLosses {
  readonly #lost = new Set<string>();

  /** Returns `server fs: the connection was lost: …` and later `server fs: ready again`. Undefined if there is nothing to report. */
  line({ server, state, reason }: Extract<TurnEvent, { type: "server_status" }>): string | undefined {
    if (state === "starting" && reason) {
      this.#lost.add(server);
      return `server ${server}: ${reason}`;
    }
    return this.#lost.delete(server) && state === "ready" ? `server ${server}: ready again` : undefined;
  }
}

/** Returns the reason why a turn without an error has no complete answer. Undefined if the turn ended with an answer. */
export function stopNote({ stopReason, limit, text }: TurnSummary): string | undefined {
  switch (stopReason) {
    case "max_tokens":
      return "the answer was cut at the model's token limit (max_tokens)";
    case "refusal":
      return "the provider's content filter stopped the answer";
    case "cancelled":
      return "cancelled";
    case "max_tool_hops":
      if (limit?.limit === "hops") return stoppedText(limit);
      return "the model was stopped at the limit of tool hops (--max-tool-hops, chat.service.max_tool_hops)";
    case "budget":
      return limit ? stoppedText(limit) : "the turn was stopped at its time limit (--timeout)";
    case "end_turn":
      return text === "" ? "the model ended without an answer" : undefined;
    default:
      return undefined;
  }
}

/** Returns usage and cost, such as `1200 tokens in, 80 out, $0.0031`. Undefined if the provider reported no usage. */
export function usageNote({ usage, costUsd }: TurnSummary): string | undefined {
  if (!usage) return undefined;
  const cost = costUsd === undefined ? "cost unknown" : costUsd === 0 ? "free" : dollars(costUsd);
  return `${tokensText(usage)}, ${cost}`;
}

/** Returns two lines: `error: what happened` and, if there is a hint, `hint: what to do`. */
export function errorLines({ message, hint }: ErrorInfo): string {
  return [`error: ${message}`, ...(hint ? [`hint: ${hint}`] : [])].map((line) => `${line}\n`).join("");
}

/** Note for a person who opens a conversation in which another host runs a turn. */
export const turnsElsewhereNote =
  "another host runs a turn of this conversation and asks its questions (the page of serve shows them); your message waits until it ends";

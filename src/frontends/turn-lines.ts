import type { ErrorInfo, StoredEvent, ToolCall, TurnEvent } from "../core/chat.js";
import { textOf } from "../core/chat.js";
import type { ToolHub } from "../core/ports.js";
import { tokensText } from "../core/usage.js";
import type { TurnSummary } from "../session/summary.js";
import { dollars, limitText } from "./limit-text.js";
import { oneLine } from "./terminal.js";

type ToolResultEvent = Extract<StoredEvent, { type: "tool_result" }>;

/** Lines for a person about a turn's tool calls: one when a call is planned, one when it has its result. */
export class ToolLines {
  readonly #hub: ToolHub;
  readonly #sentAt = new Map<string, number>();

  constructor(hub: ToolHub) {
    this.#hub = hub;
  }

  /** Returns `> demo.add {"a":2,"b":40}`. */
  call({ name, arguments: text }: ToolCall, width: number): string {
    return oneLine(`> ${this.name(name)} ${text}`, width);
  }

  /** Notes when a call was sent. The time comes from the log, so a replay shows the true duration. */
  sent({ callId, at }: { callId: string; at: number }): void {
    this.#sentAt.set(callId, at);
  }

  /** Returns `  demo.add ok 12 ms`, or `  demo.add error 12 ms: start of its text`. A call that was not sent has no duration. */
  result({ callId, name, content, isError, at }: ToolResultEvent, width: number): string {
    const sentAt = this.#sentAt.get(callId);
    const duration = sentAt === undefined ? "" : ` ${at - sentAt} ms`;
    const outcome = isError ? `error${duration}: ${textOf(content)}` : `ok${duration}`;
    return `  ${oneLine(`${this.name(name)} ${outcome}`, width - 2)}`;
  }

  /** Returns `server.tool`, or the model's own name for an unknown tool. */
  name(modelSideName: string): string {
    const known = this.#hub.tools().find(({ name }) => name === modelSideName);
    return known ? `${known.server}.${known.tool}` : modelSideName;
  }
}

/**
 * Lines for a person about servers that a turn loses and gets back. States that need action (failed, needs_auth, degraded) are logged as
 * warnings, which show with or without a turn. Servers that get ready at the start are not reported.
 */
export class ServerLosses {
  readonly #lost = new Set<string>();

  /** Returns `server fs: the connection was lost: …`, then `server fs: ready again`. Undefined if there is nothing to report. */
  line({ server, state, reason }: Extract<TurnEvent, { type: "server_status" }>): string | undefined {
    if (state === "starting" && reason) {
      this.#lost.add(server);
      return `server ${server}: ${reason}`;
    }
    return this.#lost.delete(server) && state === "ready" ? `server ${server}: ready again` : undefined;
  }
}

/** Returns why a turn without an error is incomplete. Undefined for a normal end. */
export function stopNote({ stopReason, limit }: TurnSummary): string | undefined {
  switch (stopReason) {
    case "max_tokens":
      return "the answer was cut at the model's token limit (max_tokens)";
    case "refusal":
      return "the provider's content filter stopped the answer";
    case "cancelled":
      return "cancelled";
    case "max_tool_hops":
      if (limit?.limit === "hops") return `the turn was stopped: ${limitText(limit)}`;
      return "the model was stopped at the limit of tool hops (--max-tool-hops, chat.service.max_tool_hops)";
    case "budget":
      return limit ? `the turn was stopped: ${limitText(limit)}` : "the turn was stopped at its time limit (--timeout)";
    default:
      return undefined;
  }
}

/** Returns `1200 tokens in, 80 out, $0.0031`. Undefined if the provider reported no usage. */
export function usageNote({ usage, costUsd }: TurnSummary): string | undefined {
  if (!usage) return undefined;
  const cost = costUsd === undefined ? "cost unknown" : costUsd === 0 ? "free" : dollars(costUsd);
  return `${tokensText(usage)}, ${cost}`;
}

/** Returns `error: what happened` and, if there is one, `hint: what to do`. */
export function errorLines({ message, hint }: ErrorInfo): string {
  return [`error: ${message}`, ...(hint ? [`hint: ${hint}`] : [])].map((line) => `${line}\n`).join("");
}

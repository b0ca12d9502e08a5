import type { NewId } from "../core/ids.js";
import type { Meter } from "../core/measurements.js";
import type { KeptApprovals, ToolHub } from "../core/ports.js";
import type { ChatStore } from "../core/store-ports.js";
import type { Orchestrator } from "../orchestrator/orchestrator.js";
import type { Conversations } from "./conversations.js";
import type { TurnEngine } from "./engine.js";
import type { FailedSummaries } from "./failed-summaries.js";
import type { KnownLogs } from "./known-logs.js";
import type { LiveExchange } from "./live/exchange.js";
import type { TurnDefaults } from "./turn-options.js";

/** What a turn runs by, whatever the configuration becomes meanwhile. */
export interface TurnSettings extends Disposable {
  orchestrator: Orchestrator;
  defaults: TurnDefaults;
}

/** What a session is made of, beside its conversation. */
export interface SessionParts {
  store: ChatStore;
  logs: KnownLogs;
  conversations: Conversations;
  engine: TurnEngine;
  failedSummaries: FailedSummaries;
  /** With the other processes on the log. Undefined where what is not stored stays in its process. */
  exchange?: LiveExchange;
  /** Where this session's turns belong, where that is not the process's own workspace. */
  workspace?: string;
  hub: ToolHub;
  newId: NewId;
  meter?: Meter | undefined;
  /** As they are now. A turn asks once, at its start, and disposes of them at its end. */
  settings: () => TurnSettings;
  /** A question that nobody has answered for so long is answered with no. Default: never. */
  questionTimeoutMs?: number | undefined;
  /** Where answers are kept that outlive the host. */
  approvals?: KeptApprovals;
}

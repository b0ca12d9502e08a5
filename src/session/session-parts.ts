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

/** The settings of a turn, kept for its duration when the configuration changes. */
export interface TurnSettings extends Disposable {
  orchestrator: Orchestrator;
  defaults: TurnDefaults;
}

export interface SessionParts {
  store: ChatStore;
  logs: KnownLogs;
  conversations: Conversations;
  engine: TurnEngine;
  failedSummaries: FailedSummaries;
  /** Exchange with the other hosts on the log. Undefined if live events stay in this process. */
  exchange?: LiveExchange;
  /** Workspace of this session's turns, if it is not the host's own. */
  workspace?: string;
  hub: ToolHub;
  newId: NewId;
  meter?: Meter | undefined;
  /** Current settings. A turn reads them once at its start, and disposes of them at its end. */
  settings: () => TurnSettings;
  /** A question unanswered for this long is answered with no. Default: never. */
  questionTimeoutMs?: number | undefined;
  /** Store of the answers that outlive the host. */
  approvals?: KeptApprovals;
}

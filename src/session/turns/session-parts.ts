import type { ChatStore } from "../../core/chat-store.js";
import type { Cluster } from "../../core/cluster-port.js";
import type { NewId } from "../../core/ids.js";
import type { Meter } from "../../core/measurements.js";
import type { StoredApprovals, ToolHub } from "../../core/ports.js";
import type { TurnContext } from "../../turn/turn-context.js";
import type { Conversations } from "../conversations/conversations.js";
import type { KnownLogs } from "../conversations/known-logs.js";
import type { ListChanges } from "../conversations/list-watch.js";
import type { DaySpent } from "../shared/day-spent.js";
import type { TurnDefaults } from "../shared/prompt-options.js";
import type { Questions } from "./questions.js";
import type { SessionApprovals } from "./session-approvals.js";
import type { Titles } from "./titles.js";
import type { TurnCapacity } from "./turn-capacity.js";

/** The settings of a turn. They stay the same for the whole turn, even if the configuration changes. */
export interface TurnSettings {
  llm: TurnContext["llm"];
  defaults: TurnDefaults;
}

export interface SessionParts {
  store: ChatStore;
  logs: KnownLogs;
  conversations: Conversations;
  /** Notices what lists show of this conversation. */
  listChanges: ListChanges;
  cluster: Cluster;
  daySpent: DaySpent;
  titles: Titles;
  capacity: TurnCapacity;
  /** Workspace of this session's turns. If undefined, it is the workspace of the host. */
  workspace?: string | undefined;
  /** Folder that lists show for this conversation. If undefined, it is the workspace. */
  folder?: string | undefined;
  hub: ToolHub;
  newId: NewId;
  meter?: Meter | undefined;
  /** Returns the current settings. A turn calls this function once, at its start. */
  settings: () => TurnSettings;
  /** Time in ms after which an unanswered question counts as answered with no. Default: no time limit. */
  questionTimeoutMs?: number | undefined;
  /** Store for those answers about tools that remain valid after the host has ended. */
  approvals?: StoredApprovals;
  /** Folder of the project: an answer "for this project" holds there. */
  project: string;
}

/** One object that all parts of a session share. `Session.equip` changes it between turns. */
export interface ConversationParts extends SessionParts {
  readonly conversationId: string;
  readonly questions: Questions;
  readonly memory: SessionApprovals;
  /** Amounts that the user has allowed in addition to the limits. These amounts are valid until the session ends. */
  readonly granted: Map<string, number>;
}

/** The seams between layers: what a layer needs of another one that it must not import. */
import type { ApprovalAnswer } from "./approval.js";
import type {
  ChatEvent,
  ContentPart,
  Question,
  ServerState,
  StoredEvent,
  ToolCall,
  ToolDefinition,
  ToolResult,
  UserMessageEvent,
} from "./chat.js";

export type { ToolResult };

/** Logs and measurements: layers report, `app.ts` subscribes. Must not throw. Fields never hold a secret or prompt text. */
export type Observe = (event: Observation) => void;

export interface Observation {
  level: "debug" | "info" | "warn" | "error";
  /** The layer that speaks: `llm`, `mcp`, `history`… */
  scope: string;
  message: string;
  fields?: Record<string, unknown>;
}

export interface ToolProgress {
  progress: number;
  total?: number;
  message?: string;
}

export interface SendOptions {
  signal: AbortSignal;
  onProgress?: (progress: ToolProgress) => void;
  /** Puts a server's question to the person behind the turn. `false` when nobody can be asked. Never rejects. */
  ask?: (question: Question) => Promise<unknown>;
  /** The same for the same call of the same turn, and for no other: a server may tell a repetition by it. */
  callId?: string;
  /** W3C trace context that the call belongs to. */
  traceparent?: string;
  /** Gets the result as the server sent it, when there is one. */
  onAnswer?: (result: Record<string, unknown>) => void;
}

/** What a server says of a tool. All false for one that the user does not vouch for: its word would be hearsay. */
export interface ToolAnnotations {
  readOnly: boolean;
  idempotent: boolean;
  destructive: boolean;
  openWorld: boolean;
}

/** What the policy may know of a tool. */
export interface ToolFacts extends ToolAnnotations {
  server: string;
  /** The server's own name of the tool. */
  tool: string;
  /** The server and the place it runs at, hashed: another server of the same name has another one. */
  place: string;
  /** Matches the server's `tools.auto_approve`. */
  autoApproved: boolean;
  /** How its definition differs from the one that the user goes by: `its description changed since …`. */
  change?: string;
}

/** A tool with the server that offers it and that server's own name of it. */
export interface HubTool extends ToolDefinition, ToolAnnotations {
  server: string;
  tool: string;
}

/** A checked call, not yet sent. `send` never rejects: what goes wrong is an `isError` result. */
export interface PreparedCall extends ToolFacts {
  /** As they would be sent. */
  arguments: Readonly<Record<string, unknown>>;
  /** The user goes by the tool's definition from now on. */
  pin(): void;
  send(options: SendOptions): Promise<ToolResult>;
}

/** What the user answered once and for longer than one call. A no weighs more than a yes. */
export interface ApprovalMemory {
  find(tool: RememberedTool): Required<ApprovalAnswer> | undefined;
  remember(tool: RememberedTool, answer: Required<ApprovalAnswer>): void;
}

/** A tool of the same name from another place is another one. */
export type RememberedTool = Pick<ToolFacts, "server" | "tool" | "place">;

/** Answers that outlive the host. Never throws: what cannot be kept holds until the host ends, and that is observed. */
export interface KeptApprovals {
  find(tool: RememberedTool, workspace: string): Required<ApprovalAnswer> | undefined;
  keep(tool: RememberedTool, answer: { allow: boolean; remember: "project" | "always" }, workspace: string): void;
}

export interface ServerStatus {
  name: string;
  state: ServerState;
  transport: string;
  tools: number;
  prompts: number;
  resources: number;
  /** Start to ready, milliseconds. */
  startMs?: number;
  version?: string;
  /** Milliseconds of its last answer to a question that needs no thought. */
  latencyMs?: number;
  /** Of the protocol: `legacy` is up to 2025-11-25, `modern` from 2026-07-28 on. */
  era?: "legacy" | "modern";
  /** Why it is not ready, and what to do. */
  reason?: string;
}

export interface PromptInfo {
  /** `server__prompt`, unique over all servers. */
  name: string;
  server: string;
  description: string;
  arguments: { name: string; description: string; required: boolean }[];
}

export interface ResourceInfo {
  uri: string;
  server: string;
  name: string;
  description: string;
  mimeType?: string;
}

/** Tools as a turn sees them. */
export interface Toolbox {
  /** In a stable order, so that a provider's prompt cache holds from request to request. */
  tools(): readonly HubTool[];
  /** Finds the tool, parses and validates the arguments. A refusal is the error result for the model. */
  prepare(call: ToolCall): PreparedCall | { refused: ToolResult };
}

/** All MCP servers as one tool list. */
export interface ToolHub extends Toolbox {
  /** Resolves when every server has settled or used up its own grace. Rejects when a required server is down. */
  settled(signal?: AbortSignal): Promise<void>;
  servers(): readonly ServerStatus[];
  prompts(): readonly PromptInfo[];
  resources(): readonly ResourceInfo[];
  /** What servers say of their tools, and their prompts and resources, as text for the system prompt; "" when none. Bounded. */
  catalogue(): string;
  /** The prompt's messages as one user message. Throws McpError. */
  applyPrompt(name: string, args: Record<string, string>, signal?: AbortSignal): Promise<ContentPart[]>;
  /** Throws McpError. */
  readResource(uri: string, signal?: AbortSignal): Promise<ContentPart[]>;
}

/** What a server says without being asked, for whoever passes it on. */
export type ServerNews =
  | { type: "lists" }
  | { type: "resource"; uri: string }
  | { type: "log"; server: string; level: string; text: string };

/** The servers as they speak MCP, for a door that passes them on. Names are the hub's. Methods throw McpError. */
export interface Passage {
  /** What a tool's listing says beside what the model gets: title, annotations, result schema. */
  toolDetails(name: string): Record<string, unknown>;
  /** `own` is the server's name of it. */
  prompts(): readonly (PromptInfo & { own: string })[];
  /** The result of `prompts/get`. */
  getPrompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<Record<string, unknown>>;
  /** The result of `resources/read`. */
  readResource(uri: string, signal: AbortSignal): Promise<Record<string, unknown>>;
  /** Its changes are news from now on. */
  watchResource(uri: string, signal: AbortSignal): Promise<void>;
  templates(): readonly { uriTemplate: string; server: string }[];
  complete(
    of: { prompt: string } | { template: string },
    argument: { name: string; value: string },
    signal?: AbortSignal,
  ): Promise<string[]>;
  /** Until the returned function is called. */
  onNews(listener: (news: ServerNews) => void): () => void;
}

/** The host's hub and the servers of one session. */
export interface SessionHub extends ToolHub {
  /** Ends the servers of the session. */
  close(): Promise<void>;
}

/** What a claim found or made. `events` is what is known of the request's turn so far. */
export interface Claim {
  /** This call stored the user message. */
  created: boolean;
  turnId: string;
  /** The turn has its answer, or an error that no repetition would mend. Else it waits, runs, or is to be gone on with. */
  ended: boolean;
  events: StoredEvent[];
}

export interface ConversationSummary {
  conversationId: string;
  lastSeq: number;
  updatedAt: number;
  /** The start of the first message's text; "" where it has none. */
  title: string;
  /** Of the last request. */
  workspace: string;
}

/** A conversation as a list shows it. */
export interface ConversationOverview extends ConversationSummary {
  /** The first text of its user; "" when there is none. */
  title: string;
  /** Without those that a rewind took back. */
  turns: number;
}

/** What is done to whole conversations. Every method throws StoreError, and RequestError `busy` while a turn of them is in the way. */
export interface Archive {
  /** Latest first. */
  overview(): Promise<ConversationOverview[]>;
  /** Turns that have not ended, with the process that has each. */
  unfinished(): Promise<{ conversationId: string; nodeId?: string }[]>;
  /** Appends what `decide` makes of the conversation: nothing is written in between. Refused while a turn has not ended. */
  amend(conversationId: string, decide: (events: readonly StoredEvent[]) => ChatEvent): Promise<StoredEvent>;
  /** A new conversation: `decide` gives its first event and the `seq` of those that are copied after it. */
  copy(
    conversationId: string,
    to: string,
    decide: (events: readonly StoredEvent[]) => { first: ChatEvent; seqs: readonly number[] },
  ): Promise<void>;
  /** Everything of it leaves the log. Refused while some process has a turn of it. False when there is no such conversation. */
  delete(conversationId: string): Promise<boolean>;
  /** As `delete`, and also false when it has gone on after `lastSeq`, or a turn of it has not ended. */
  expire(conversationId: string, lastSeq: number): Promise<boolean>;
}

/** Who sends a request, and what a process that goes on with its turn later has to know. */
export interface TurnRequest {
  nodeId: string;
  /** Turns that nobody has any more are gone on with by hosts of the same workspace only: others have other servers. */
  workspace: string;
  /** How the turn is to run, as JSON. */
  options: unknown;
}

/** What several requests count against limits. */
export interface SpentTotals {
  tokens: number;
  /** Of the requests whose price is known. */
  usd: number;
  /** Requests whose price is not known. */
  unpriced: number;
  /** Requests whose tokens are an estimate. */
  estimated: number;
}

/** The event log. Every method throws StoreError. */
export interface ChatStore {
  /** Which process may run which turn. */
  readonly turns: TurnLeases;
  readonly results: ResultStore;
  readonly archive: Archive;
  /**
   * One transaction: stores the user message and its turn unless the request id is already there; a turn that failed in a way that
   * a repetition may mend is put in the queue again. Throws RequestError `request_mismatch` for another content under a known id.
   */
  claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim>;
  /**
   * Resolves when the event is as durable as the store makes it. With a grant: rejects with `fenced` when the turn has gone to another
   * process, and gives the stored event when the place was already written with the same one. The end of a turn gives its grant back.
   */
  append(conversationId: string, event: ChatEvent, grant?: TurnGrant): Promise<StoredEvent>;
  /** Events with `seq >= from` (default all), in order. */
  read(conversationId: string, from?: number): Promise<StoredEvent[]>;
  /** Latest first. */
  conversations(): Promise<ConversationSummary[]>;
  /** Of all conversations, from this time on (milliseconds since the epoch). */
  spent(since: number): Promise<SpentTotals>;
  close(): Promise<void>;
}

/** Tool results that are too large for a model. Who may read one is decided by the log: see `ToolResult.resultIds`. Throws StoreError. */
export interface ResultStore {
  /** `conversationId`: where it came up, and whose end is its end. Resolves when it is as durable as an event. */
  put(conversationId: string, resultId: string, text: string): Promise<void>;
  /** Undefined when there is none, or none any more. */
  read(resultId: string): Promise<string | undefined>;
}

/** The right to write a turn's events, until it is given back or taken over. */
export interface TurnGrant {
  fence: number;
  /** Counts the turn's events from 1: each place in a turn is written once. */
  position: number;
}

export interface TurnLease {
  fence: number;
  /** Processes that died while they ran this turn, or could not go on with it. */
  crashes: number;
  options: unknown;
}

/** A running host process, as the others on the same log see it. */
export interface LogNode {
  nodeId: string;
  /** Where `pid` means something. */
  machine: string;
  pid: number;
  seenAt: number;
}

export interface AbandonedTurn {
  conversationId: string;
  turnId: string;
  requestId: string;
}

/** To the process that runs a turn, from another one. */
export type TurnMail = { type: "cancel" } | { type: "answer"; questionId: string; value: unknown };

/** Who runs which turn: at most one process each, and one turn of a conversation at a time. Every method throws StoreError. */
export interface TurnLeases {
  /** Undefined while an earlier turn of the conversation has not ended, while somebody else has this one, or when it has ended. */
  acquire(conversationId: string, turnId: string, nodeId: string): Promise<TurnLease | undefined>;
  /** This node lives. */
  beat(node: LogNode): Promise<void>;
  /** This node leaves: its unfinished turns are free, and its leaving is no crash. */
  leave(nodeId: string): Promise<void>;
  nodes(): Promise<LogNode[]>;
  /** The node is dead unless it was seen after that: its unfinished turns are free. */
  bury(nodeId: string, seenAt: number): Promise<void>;
  /** Unfinished turns that nobody has, oldest first: all of a workspace, or of a conversation. */
  abandoned(of: { workspace: string } | { conversationId: string }): Promise<AbandonedTurn[]>;
  /** Unfinished turns that this node has. */
  held(nodeId: string): Promise<AbandonedTurn[]>;
  /** This node could not go on with a turn that it has: free for others, and counted as if the node had died of it. */
  release(turn: AbandonedTurn, nodeId: string): Promise<void>;
  /** Unfinished turns of the conversation before this one, in their order. */
  before(conversationId: string, turnId: string): Promise<string[]>;
  /** False when the turn's conversation was deleted. */
  isKnown(conversationId: string, turnId: string): Promise<boolean>;
  /** Without effect when the turn has ended. */
  send(conversationId: string, turnId: string, mail: TurnMail): Promise<void>;
  /** Takes the mail for turns that this node has. */
  receive(nodeId: string): Promise<{ conversationId: string; turnId: string; mail: TurnMail }[]>;
  /** Another number than before when another process has written. */
  version(): Promise<number>;
}

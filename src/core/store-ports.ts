/** Ports between a conversation and its event log. */
import type { ChatEvent, StoredEvent, UserMessageEvent } from "./chat.js";
import type { LiveBus } from "./live-bus.js";
import type { Observe } from "./ports.js";
import type { SharedLimits } from "./shared-limits.js";

/** Outcome of a claim. `events` are the known events of the request's turn. */
export interface Claim {
  /** True if this call stored the user message. */
  created: boolean;
  turnId: string;
  /** True if the turn has its answer, or an error that a repetition would not fix. Otherwise it waits, runs, or must be resumed. */
  ended: boolean;
  events: StoredEvent[];
}

export interface ConversationSummary {
  conversationId: string;
  lastSeq: number;
  updatedAt: number;
  /** Start of the first message's text; "" if it has none. */
  title: string;
  /** Workspace of the last request. */
  workspace: string;
}

export interface ConversationOverview extends Omit<ConversationSummary, "workspace"> {
  /** First text of its user; "" if there is none. */
  title: string;
  /** Number of turns, without those that a rewind took back. */
  turns: number;
}

/** Operations on whole conversations. Every method throws StoreError, and RequestError `busy` while one of their turns prevents it. */
export interface Archive {
  /** Returns conversations, latest first. */
  overview(): Promise<ConversationOverview[]>;
  /** Returns unfinished turns, with the host that owns each. */
  unfinished(): Promise<{ conversationId: string; nodeId?: string }[]>;
  /** Appends the event that `decide` returns; nothing is written in between. Refuses while a turn is unfinished. */
  amend(conversationId: string, decide: (events: readonly StoredEvent[]) => ChatEvent): Promise<StoredEvent>;
  /** Creates a conversation: `decide` returns its first event and the `seq` of the events to copy after it. */
  copy(
    conversationId: string,
    to: string,
    decide: (events: readonly StoredEvent[]) => { first: ChatEvent; seqs: readonly number[] },
  ): Promise<void>;
  /** Deletes everything of the conversation. Refuses while a host owns a turn of it. False if it does not exist. */
  delete(conversationId: string): Promise<boolean>;
  /** Deletes like `delete`, but also returns false if the conversation grew after `lastSeq` or has an unfinished turn. */
  expire(conversationId: string, lastSeq: number): Promise<boolean>;
}

/** Sender of a request, and what a host needs to resume its turn later. */
export interface TurnRequest {
  /** Host that owns the turn from the start; undefined: no host owns it until it is dispatched. */
  nodeId?: string;
  /** Only hosts of the same workspace resume its abandoned turns, since others have other servers. */
  workspace: string;
  /** Options of the turn, as JSON. */
  options: unknown;
  /** Called within the transaction that queues the turn, first or again; rolled back with it. */
  enqueue?: Enqueue;
}

/** A turn being put into the queue. */
export interface QueuedTurn extends TurnName {
  /** Position among its conversation's turns, from 1; new whenever it is queued again. */
  place: number;
  /** Newest fold version that has written to its conversation: an older host cannot resume the turn. */
  fold: number;
}

/** `transaction`: the store's own connection. */
export type Enqueue = (transaction: unknown, turn: QueuedTurn) => Promise<void>;

/** Sum of what several requests count against limits. */
export interface SpentTotals {
  tokens: number;
  /** Covers the requests whose price is known. */
  usd: number;
  /** Requests whose price is unknown. */
  unpriced: number;
  /** Requests whose tokens are estimated. */
  estimated: number;
}

/** Half-open: excludes `until`. Milliseconds since the epoch. */
export interface Period {
  since: number;
  until: number;
}

/** Requests to one model for one conversation within a quarter of an hour, which fits the days of every time zone. */
export interface ModelUsage {
  /** Start of the quarter of an hour. */
  at: number;
  conversationId: string;
  provider: string;
  model: string;
  requests: number;
  inputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  cachedTokens: number;
  cacheWriteTokens: number;
  /** Input and output of requests whose provider reported no usage. */
  estimatedTokens: number;
  /** Covers the requests whose price was known. */
  usd: number;
  unpriced: number;
}

/** Sent calls of one tool within a quarter of an hour. */
export interface ToolUsage {
  at: number;
  conversationId: string;
  /** Name for the model: `server__tool`. */
  name: string;
  calls: number;
  errors: number;
  /** Sum of the times from sending to result. */
  durationMs: number;
  /** Size of what the model was given to read, as stored. */
  resultBytes: number;
}

/** The event log. Every method throws StoreError. */
export interface ChatStore {
  readonly turns: TurnLeases;
  readonly results: ResultStore;
  readonly archive: Archive;
  /** Clock that stamps the events, if it may differ from this machine's. Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Rejects while the log cannot be read, without retrying. */
  check(): Promise<void>;
  /**
   * Resolves to true if a periodic task, which one of the log's hosts does for all, is due; the caller must then do it. Undefined: every
   * host does it.
   */
  isDue?(task: string, everyMs: number): Promise<boolean>;
  /** Returns the limits that all hosts on this log share, for this one. Undefined if each host keeps its own. */
  limits?(node: HostProcess, parts: { leaseMs: number; observe: Observe }): SharedLimits;
  /** Returns how the shared limits are divided among hosts. */
  places?(): Promise<NodePlaces[]>;
  /** Bus between the hosts on this log. Undefined if live events stay in this process. */
  readonly live?: LiveBus;
  /**
   * Stores the user message and its turn in one transaction, unless the request id exists. A turn that failed in a way that a repetition
   * may fix is queued again. Throws RequestError `request_mismatch` for other content under a known id.
   */
  claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim>;
  /** Resolves when the event is as durable as the store makes it. With a grant: see `appendAll`. */
  append(conversationId: string, event: ChatEvent, grant?: TurnGrant): Promise<StoredEvent>;
  /**
   * Appends events of one turn at consecutive positions: all or none. Rejects with `fenced` if another host owns the turn. Returns the
   * stored events if the positions already hold the same ones. The end of a turn comes last, and returns its grant.
   */
  appendAll(conversationId: string, events: readonly ChatEvent[], grant: TurnGrant): Promise<StoredEvent[]>;
  /** Returns events with `seq >= from` (default all), in order. */
  read(conversationId: string, from?: number): Promise<StoredEvent[]>;
  /** Returns the latest first; progress of a running turn may not count. */
  conversations(): Promise<ConversationSummary[]>;
  /** Sums over all conversations, from this time on (milliseconds since the epoch). */
  spent(since: number): Promise<SpentTotals>;
  /** Counts events that a copy shares with its origin once. */
  usage(period: Period): Promise<{ models: ModelUsage[]; tools: ToolUsage[] }>;
  close(): Promise<void>;
}

/** Tool results that are too large for a model. The log decides who may read one: see `ToolResult.resultIds`. Throws StoreError. */
export interface ResultStore {
  /** Stores a result. `conversationId`: its origin, with which it is deleted. Resolves when it is as durable as an event. */
  put(conversationId: string, resultId: string, text: string): Promise<void>;
  /** Returns the text; undefined if there is no such result, or no longer. */
  read(resultId: string): Promise<string | undefined>;
}

/** The right to write a turn's events, until it is returned or taken over. */
export interface TurnGrant {
  fence: number;
  /** Position of the first event written. Counts the turn's events from 1: each position is written once. */
  position: number;
  /**
   * The `seq` of the conversation's last event, as the writer knows it. Only the cost depends on it: if it is right and the turn's own,
   * nobody else has written, and a file needs no further query.
   */
  lastSeq?: number | undefined;
}

export interface TurnLease {
  fence: number;
  /** Hosts that crashed while they ran this turn, or could not resume it; not those that crashed while it waited for a person. */
  crashes: number;
  options: unknown;
}

export interface HostProcess {
  nodeId: string;
  /** Scope in which `pid` is unique. */
  machine: string;
  pid: number;
  /** Version of this program. Undefined for versions too old to state it. */
  version?: string | undefined;
}

/** A host as the others on the log see it: by the log's clock, since machines' clocks differ. */
export interface LogNode extends HostProcess {
  seenAt: number;
  /** Time since `seenAt`. */
  silentMs: number;
}

/** Unfinished turns of a node; without `nodeId`, those that no node owns. */
export interface NodeTurns {
  nodeId?: string;
  running: number;
  waiting: number;
}

/** A node's share of a key's concurrent requests to its provider: slots to send, and requests waiting there. */
export interface NodePlaces {
  nodeId: string;
  keyHash: string;
  places: number;
  waiting: number;
}

export interface TurnName {
  conversationId: string;
  turnId: string;
  requestId: string;
}

export interface TurnState {
  /** True while it waits or runs on any host. */
  isUnfinished: boolean;
  /** Hosts that it has crashed. */
  crashes: number;
}

export interface AbandonedTurn extends QueuedTurn {
  workspace: string;
}

/** Mail from another host to the turn's owner. */
export type TurnMail = { type: "cancel" } | { type: "answer"; questionId: string; value: unknown };

/** Leases of turns: at most one host per turn, and one turn of a conversation at a time. Every method throws StoreError. */
export interface TurnLeases {
  /**
   * Acquires a turn. Undefined while an earlier turn of the conversation is unfinished, while another host owns this one, or once it has
   * ended. `isOutOfTurn`: ignores earlier turns, to end this one without running it. `mostCrashes`: also undefined if it has crashed more
   * hosts than that.
   */
  acquire(
    conversationId: string,
    turnId: string,
    nodeId: string,
    isOutOfTurn?: boolean,
    mostCrashes?: number,
  ): Promise<TurnLease | undefined>;
  /** Records that this node lives. Resolves to the log's time at which the node was seen. */
  beat(node: HostProcess): Promise<number>;
  /** Removes the node: its unfinished turns become free, without counting as a crash. */
  leave(nodeId: string): Promise<void>;
  nodes(): Promise<LogNode[]>;
  /** Counts unfinished turns by their node. */
  load(): Promise<NodeTurns[]>;
  /** Declares the node dead unless it was seen after `seenAt`: its unfinished turns become free. */
  bury(nodeId: string, seenAt: number): Promise<void>;
  /** Returns unfinished turns that no node owns, oldest first: of a workspace or of a conversation. */
  abandoned(of: { workspace: string } | { conversationId: string }): Promise<AbandonedTurn[]>;
  /** Returns the unfinished turns that this node owns. */
  held(nodeId: string): Promise<TurnName[]>;
  /** Frees a turn that this node owns but could not continue, and counts it as a crash. */
  release(turn: TurnName, nodeId: string): Promise<void>;
  /** Returns the conversation's unfinished turns before this one, in order. */
  before(conversationId: string, turnId: string): Promise<string[]>;
  /** Returns the turn's state; undefined if its conversation was deleted. */
  stateOf(conversationId: string, turnId: string): Promise<TurnState | undefined>;
  /** Sends mail to a turn. False, without effect, if the turn has ended or the question is answered, in the mail or in the log. */
  send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean>;
  /** Returns the mail for this node's turns, once per acquisition: mail that a crashed node received is delivered again. */
  receive(nodeId: string): Promise<{ conversationId: string; turnId: string; mail: TurnMail }[]>;
  /** Returns another number than before if another process has written. */
  version(): Promise<number>;
  /**
   * Notifies `watcher` of writes until the returned function is called, for logs that can; these do not change `version`. Without a
   * conversation, it may have been any.
   */
  watch?(watcher: (conversationId?: string) => void): () => void;
}

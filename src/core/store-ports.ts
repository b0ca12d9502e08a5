/** Ports between a conversation and its event log. */
import type { ChatEvent, StoredEvent, UserMessageEvent } from "./events.js";
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
  /** Start of the user's first text in the conversation; "" if there is none. */
  title: string;
  /** Number of turns, without turns that a rewind removed. */
  turns: number;
}

/**
 * Operations on whole conversations. Every method may throw StoreError, and RequestError `busy` while a turn of the conversation prevents
 * the operation.
 */
export interface Archive {
  /** Returns conversations, latest first. */
  overview(): Promise<ConversationOverview[]>;
  /** Returns unfinished turns, with the host that owns each. */
  unfinished(): Promise<{ conversationId: string; nodeId?: string }[]>;
  /**
   * Appends the event that `decide` returns for the conversation's events. No other event is written between reading and appending. Throws
   * `busy` while a turn is unfinished.
   */
  amend(conversationId: string, decide: (events: readonly StoredEvent[]) => ChatEvent): Promise<StoredEvent>;
  /**
   * Creates the conversation `to`. `decide` gets the original's events. It returns the first event of the copy, and the `seq` of each event
   * to copy after it.
   */
  copy(
    conversationId: string,
    to: string,
    decide: (events: readonly StoredEvent[]) => { first: ChatEvent; seqs: readonly number[] },
  ): Promise<void>;
  /**
   * Deletes the conversation and everything that belongs to it. Throws `busy` while a host owns one of its turns. Resolves to false if the
   * conversation does not exist.
   */
  delete(conversationId: string): Promise<boolean>;
  /** Deletes like `delete`, but also returns false if the conversation grew after `lastSeq` or has an unfinished turn. */
  expire(conversationId: string, lastSeq: number): Promise<boolean>;
}

/** Facts that are stored with a request, so that a host can resume its turn later. */
export interface TurnRequest {
  /** Host that owns the turn from the start; undefined: no host owns it until it is dispatched. */
  nodeId?: string;
  /**
   * Workspace of the request. Only hosts of this workspace resume the turn if it is abandoned, since hosts of others have other servers.
   */
  workspace: string;
  /** Options of the turn, as JSON. */
  options: unknown;
  /** Called within the transaction that queues the turn, for the first time or again. Its writes are rolled back with that transaction. */
  enqueue?: Enqueue;
}

/** A turn being put into the queue. */
export interface QueuedTurn extends TurnName {
  /** Position among the turns of its conversation, counted from 1. A turn that is queued again gets a new position. */
  place: number;
  /** Newest fold version that has written to the conversation. A host with an older fold version cannot resume the turn. */
  fold: number;
}

/** Adds a turn to a queue. `transaction`: the store's own connection. */
export type Enqueue = (transaction: unknown, turn: QueuedTurn) => Promise<void>;

/** Sums of several requests, to be counted against limits. */
export interface SpentTotals {
  tokens: number;
  /** Sum over the requests whose price is known. */
  usd: number;
  /** Number of requests whose price is unknown. */
  unpriced: number;
  /** Number of requests whose tokens are estimated. */
  estimated: number;
}

/** A period that includes `since` and excludes `until`. Milliseconds since the epoch. */
export interface Period {
  since: number;
  until: number;
}

/**
 * Requests to one model for one conversation within a quarter of an hour. In every time zone a day consists of whole quarters of an hour.
 */
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
  /** Sum over the requests whose price was known. */
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
  /** Size of the results that the model was given, as stored. */
  resultBytes: number;
}

/** The event log. Every method throws StoreError. */
export interface ChatStore {
  readonly turns: TurnLeases;
  readonly results: ResultStore;
  readonly archive: Archive;
  /** Returns the time of the clock that stamps the events, in milliseconds since the epoch. Undefined if that is this machine's clock. */
  readonly now?: () => number;
  /** Reads the log once, without retrying. Rejects if it cannot be read. */
  check(): Promise<void>;
  /**
   * Resolves to true if the periodic task is due; the caller must then do it. One of the log's hosts does such a task for all hosts.
   * Undefined if every host does it for itself.
   */
  isDue?(task: string, everyMs: number): Promise<boolean>;
  /** Returns this host's access to the limits that all hosts on this log share. Undefined if each host has limits of its own. */
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
  /** Appends an event. Resolves when the event is as durable as the store makes it. With a grant: see `appendAll`. */
  append(conversationId: string, event: ChatEvent, grant?: TurnGrant): Promise<StoredEvent>;
  /**
   * Appends events of one turn at consecutive positions: all or none. Rejects with `fenced` if another host owns the turn. Returns the
   * stored events if the positions already hold the same ones. An event that ends the turn comes last, and gives back the turn's grant.
   */
  appendAll(conversationId: string, events: readonly ChatEvent[], grant: TurnGrant): Promise<StoredEvent[]>;
  /** Returns events with `seq >= from` (default all), in order. */
  read(conversationId: string, from?: number): Promise<StoredEvent[]>;
  /** Returns all conversations, the one written to last first. Progress of a running turn may not affect the order yet. */
  conversations(): Promise<ConversationSummary[]>;
  /** Returns the sums of all requests in all conversations since this time (milliseconds since the epoch). */
  spent(since: number): Promise<SpentTotals>;
  /** Returns the usage within the period. Counts each event only once, even if a copied conversation shares it with its origin. */
  usage(period: Period): Promise<{ models: ModelUsage[]; tools: ToolUsage[] }>;
  close(): Promise<void>;
}

/**
 * Tool results that are too large for a model. A conversation may read the results that its log names: see `ToolResult.resultIds`. Methods
 * throw StoreError.
 */
export interface ResultStore {
  /**
   * Stores a result. `conversationId`: the conversation that the result is from, and with which it is deleted. Resolves when the result is
   * as durable as an event.
   */
  put(conversationId: string, resultId: string, text: string): Promise<void>;
  /** Returns the text; undefined if the result does not exist or was deleted. */
  read(resultId: string): Promise<string | undefined>;
}

/** The right to write a turn's events, until it is given back or another host takes the turn over. */
export interface TurnGrant {
  fence: number;
  /** Position of the first event to be written. Positions count the turn's events from 1; each position is written once. */
  position: number;
  /**
   * The `seq` of the conversation's last event, as far as the writer knows. It affects only the cost of a write: if it is right and belongs
   * to this turn, nobody else has written, and a log in a file needs no further query.
   */
  lastSeq?: number | undefined;
}

export interface TurnLease {
  fence: number;
  /**
   * Number of hosts that crashed while they ran this turn, or could not resume it. Crashes while the turn waited for a person do not count.
   */
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

/** A host as the other hosts on the log see it. Times are by the log's clock, because the clocks of machines differ. */
export interface LogNode extends HostProcess {
  seenAt: number;
  /** Time since `seenAt`. */
  silentMs: number;
}

/** Number of unfinished turns that a node owns. Without `nodeId`: turns that no node owns. */
export interface NodeTurns {
  nodeId?: string;
  running: number;
  waiting: number;
}

/** A node's share of the concurrent requests that a provider's key allows: its slots, and the requests that wait on this node. */
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

/** State of a turn in the log. */
export interface LoggedTurnState {
  /** True while the turn waits or runs, on any host. */
  isUnfinished: boolean;
  /** Number of hosts that crashed while they ran this turn. */
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
   * Acquires a turn. Resolves to undefined while an earlier turn of the conversation is unfinished, while another host owns this turn, and
   * once this turn has ended. `isOutOfTurn`: ignores earlier turns, so that this one can be ended without running. `mostCrashes`: also
   * resolves to undefined if the turn has crashed more hosts than that.
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
  /** Returns the unfinished turns of a workspace or of a conversation that no node owns, oldest first. */
  abandoned(of: { workspace: string } | { conversationId: string }): Promise<AbandonedTurn[]>;
  /** Returns the unfinished turns that this node owns. */
  held(nodeId: string): Promise<TurnName[]>;
  /** Frees a turn that this node owns but could not continue, and counts it as a crash. */
  release(turn: TurnName, nodeId: string): Promise<void>;
  /** Returns the conversation's unfinished turns before this one, in order. */
  before(conversationId: string, turnId: string): Promise<string[]>;
  /** Returns the turn's state; undefined if its conversation was deleted. */
  stateOf(conversationId: string, turnId: string): Promise<LoggedTurnState | undefined>;
  /**
   * Sends mail to a turn. Resolves to false, without effect, if the turn has ended, or if the question already has an answer in the mail or
   * in the log.
   */
  send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean>;
  /**
   * Returns the mail for this node's turns, once per acquisition of a turn. If a node crashes after it received mail, the next owner
   * receives that mail again.
   */
  receive(nodeId: string): Promise<{ conversationId: string; turnId: string; mail: TurnMail }[]>;
  /** Returns a number that changes whenever another process writes to the log. */
  version(): Promise<number>;
  /**
   * Calls `watcher` after writes to the log, until the returned function is called. Undefined if the log cannot do so; writes that it
   * reports do not change `version`. If `watcher` gets no conversation, any may have been written to.
   */
  watch?(watcher: (conversationId?: string) => void): () => void;
}

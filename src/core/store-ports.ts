/** The seam between a conversation and the log that it is kept in. */
import type { ChatEvent, StoredEvent, UserMessageEvent } from "./chat.js";
import type { LiveBus } from "./live-bus.js";
import type { Observe } from "./ports.js";
import type { SharedLimits } from "./shared-limits.js";

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
export interface ConversationOverview extends Omit<ConversationSummary, "workspace"> {
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
  /** The process that has the turn from the start; without one, nobody has it before it is dispatched. */
  nodeId?: string;
  /** Turns that nobody has any more are gone on with by hosts of the same workspace only: others have other servers. */
  workspace: string;
  /** How the turn is to run, as JSON. */
  options: unknown;
  /** Called within the transaction that puts the turn into the queue, for the first time or again: undone with it. */
  enqueue?: Enqueue;
}

/** A turn on its way into the queue. */
export interface QueuedTurn extends TurnName {
  /** Among its conversation's turns, from 1; new whenever it is put into the queue again. */
  place: number;
  /** The newest kind of host that has written to its conversation: an older one could not go on with it. */
  fold: number;
}

/** `transaction`: the store's own connection. */
export type Enqueue = (transaction: unknown, turn: QueuedTurn) => Promise<void>;

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

/** Milliseconds since the epoch; `until` is no part of it. */
export interface Period {
  since: number;
  until: number;
}

/** What was asked of one model for one conversation, in a quarter of an hour: short enough for the days of every time zone. */
export interface ModelUsage {
  /** The quarter's beginning. */
  at: number;
  conversationId: string;
  provider: string;
  model: string;
  requests: number;
  inputTokens: number;
  outputTokens: number;
  /** Of the output. */
  reasoningTokens: number;
  /** Of the input: read from the provider's cache. */
  cachedTokens: number;
  /** Of the input: written to it. */
  cacheWriteTokens: number;
  /** Of requests whose provider reported nothing, input and output together. */
  estimatedTokens: number;
  /** Of the requests whose price was known. */
  usd: number;
  unpriced: number;
}

/** Calls of one tool that were sent, in a quarter of an hour. */
export interface ToolUsage {
  at: number;
  conversationId: string;
  /** As the model knows it: `server__tool`. */
  name: string;
  calls: number;
  errors: number;
  /** From their sending to their results, one after the other. */
  durationMs: number;
  /** What the model was given to read, as stored. */
  resultBytes: number;
}

/** The event log. Every method throws StoreError. */
export interface ChatStore {
  /** Which process may run which turn. */
  readonly turns: TurnLeases;
  readonly results: ResultStore;
  readonly archive: Archive;
  /** The clock that events are stamped by, where it may not be this machine's. Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Rejects while the log cannot be read, without trying again. */
  check(): Promise<void>;
  /**
   * Whether it is time again for what the hosts of a log do once for all of them, every so often; then it is for the caller to do. None
   * where every host does it.
   */
  isDue?(task: string, everyMs: number): Promise<boolean>;
  /** Limits that all hosts on this log keep together, for this one. None where a host keeps its limits alone. */
  limits?(node: HostProcess, parts: { leaseMs: number; observe: Observe }): SharedLimits;
  /** Who has which part of them. */
  places?(): Promise<NodePlaces[]>;
  /** Between the processes on this log. Undefined where what is happening is not told across processes. */
  readonly live?: LiveBus;
  /**
   * One transaction: stores the user message and its turn unless the request id is already there; a turn that failed in a way that
   * a repetition may mend is put in the queue again. Throws RequestError `request_mismatch` for another content under a known id.
   */
  claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim>;
  /** Resolves when the event is as durable as the store makes it. With a grant, as `appendAll`. */
  append(conversationId: string, event: ChatEvent, grant?: TurnGrant): Promise<StoredEvent>;
  /**
   * The same of events of one turn, at places that follow one another: all of them or none. Rejects with `fenced` when the turn has gone to
   * another process, and gives the stored events when the places were already written with the same ones. The end of a turn comes last, and
   * gives its grant back.
   */
  appendAll(conversationId: string, events: readonly ChatEvent[], grant: TurnGrant): Promise<StoredEvent[]>;
  /** Events with `seq >= from` (default all), in order. */
  read(conversationId: string, from?: number): Promise<StoredEvent[]>;
  /** Latest first; how far a turn has come that still runs may not count. */
  conversations(): Promise<ConversationSummary[]>;
  /** Of all conversations, from this time on (milliseconds since the epoch). */
  spent(since: number): Promise<SpentTotals>;
  /** What a copied conversation has of the first one counts once. */
  usage(period: Period): Promise<{ models: ModelUsage[]; tools: ToolUsage[] }>;
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
  /** Of the first event that is written. Counts the turn's events from 1: each place in a turn is written once. */
  position: number;
  /**
   * The `seq` of the conversation's last event, as far as the writer knows. Nothing depends on it but the cost: where it is right and the
   * turn's own, nobody else has written, and a file need not be asked for more.
   */
  lastSeq?: number | undefined;
}

export interface TurnLease {
  fence: number;
  /** Processes that died while they ran this turn, or could not go on with it; not those that died while it waited for a person. */
  crashes: number;
  options: unknown;
}

/** A running host process. */
export interface HostProcess {
  nodeId: string;
  /** Where `pid` means something. */
  machine: string;
  pid: number;
  /** Of this program. Undefined where it is older than that it says so. */
  version?: string | undefined;
}

/** A running host process, as the others on the same log see it: by the log's own clock, since machines' clocks differ. */
export interface LogNode extends HostProcess {
  seenAt: number;
  /** How long ago that was. */
  silentMs: number;
}

/** Unfinished turns that a node has; those that nobody has are without one. */
export interface NodeTurns {
  nodeId?: string;
  running: number;
  waiting: number;
}

/** Of the requests that a provider's key gets at once: those that a node may send, and those that wait there. */
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
  /** It waits or runs, here or anywhere. */
  isUnfinished: boolean;
  /** Processes that have died of it. */
  crashes: number;
}

export interface AbandonedTurn extends QueuedTurn {
  workspace: string;
}

/** To the process that runs a turn, from another one. */
export type TurnMail = { type: "cancel" } | { type: "answer"; questionId: string; value: unknown };

/** Who runs which turn: at most one process each, and one turn of a conversation at a time. Every method throws StoreError. */
export interface TurnLeases {
  /**
   * Undefined while an earlier turn of the conversation has not ended, while somebody else has this one, or when it has ended. Out of
   * turn, to end it without running it: earlier ones do not matter. `mostCrashes`: nor when more processes have died of it than that.
   */
  acquire(
    conversationId: string,
    turnId: string,
    nodeId: string,
    isOutOfTurn?: boolean,
    mostCrashes?: number,
  ): Promise<TurnLease | undefined>;
  /** This node lives. Resolves to the time by the log's clock, which is when the node was seen. */
  beat(node: HostProcess): Promise<number>;
  /** This node leaves: its unfinished turns are free, and its leaving is no crash. */
  leave(nodeId: string): Promise<void>;
  nodes(): Promise<LogNode[]>;
  /** Unfinished turns, counted by the node that has them. */
  load(): Promise<NodeTurns[]>;
  /** The node is dead unless it was seen after that: its unfinished turns are free. */
  bury(nodeId: string, seenAt: number): Promise<void>;
  /** Unfinished turns that nobody has, oldest first: all of a workspace, or of a conversation. */
  abandoned(of: { workspace: string } | { conversationId: string }): Promise<AbandonedTurn[]>;
  /** Unfinished turns that this node has. */
  held(nodeId: string): Promise<TurnName[]>;
  /** This node could not go on with a turn that it has: free for others, and counted as if the node had died of it. */
  release(turn: TurnName, nodeId: string): Promise<void>;
  /** Unfinished turns of the conversation before this one, in their order. */
  before(conversationId: string, turnId: string): Promise<string[]>;
  /** Undefined when the turn's conversation was deleted. */
  stateOf(conversationId: string, turnId: string): Promise<TurnState | undefined>;
  /** False, and without effect, when the turn has ended, or the question has its answer: in the mail or in the log. */
  send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean>;
  /** The mail for turns that this node has, once each time that it gets the turn: what a node took with it when it died counts all the same. */
  receive(nodeId: string): Promise<{ conversationId: string; turnId: string; mail: TurnMail }[]>;
  /** Another number than before when another process has written. */
  version(): Promise<number>;
  /**
   * Of logs that tell by themselves: what `watcher` is told of, until the returned function is called, does not change `version`. Without a
   * conversation it may have been any.
   */
  watch?(watcher: (conversationId?: string) => void): () => void;
}

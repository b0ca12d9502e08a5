/** Port between a conversation and its event log: events, whole conversations and results. */
import type { ChatEvent, StoredEvent, TitleEvent, UserMessageEvent } from "./events.js";
import type { TurnGrant, TurnLease, TurnLeases } from "./turn-leases.js";
import type { Period, SpentTotals, UsageCounters } from "./usage-store.js";

/** Outcome of a claim. `events`: the events of the request's turn that are already stored. */
export interface Claim {
  /** True if this call stored the user message. */
  created: boolean;
  turnId: string;
  /** The turn's lease, if the claim has acquired it, see `TurnRequest.acquires`. */
  lease?: TurnLease;
  /** True if the turn has its answer, or an error that a retry would not fix. Otherwise the turn waits, runs, or must be resumed. */
  ended: boolean;
  events: StoredEvent[];
}

export interface ConversationSummary {
  conversationId: string;
  lastSeq: number;
  /** Time of the last change: of the last request, end of a turn, rewind, or of the copy. Other events of a turn do not count as changes. */
  updatedAt: number;
  /**
   * The title that was set by hand, or else that of the model, or else the beginning of the text of the user's first message. "" if all of them
   * are missing.
   */
  title: string;
  pinned: boolean;
  /** Whether a host runs or queues a turn, and whether a question of that turn is open. */
  state: "idle" | "running" | "waiting";
  /** Id of the first version if this is a later version of a conversation. Otherwise null. */
  versionOf: string | null;
  /** Workspace of the last request, or the folder that the request named. */
  workspace: string;
  /** Number of turns, not counting turns that a rewind removed. */
  turns: number;
}

export interface ConversationQuery {
  most: number;
  /** `next` of the page before. Default: the page begins with the latest conversation. */
  after?: number | undefined;
  /**
   * Only conversations with this text in their title, or in a message or an answer that no rewind removed. Upper and lower case do not matter.
   * Only the first 2,000 characters of a message are searched, and a text of one or two characters is looked for in titles only.
   * Conversations of single calls are not found.
   */
  text?: string | undefined;
  /** Only conversations whose last request had one of these workspaces. */
  workspaces?: readonly string[] | undefined;
  isPinned?: true | undefined;
  /** Only these conversations. */
  ids?: readonly string[] | undefined;
  /** True if conversations that were created for a single API call are shown, too, and all versions of a conversation. */
  includesHidden?: boolean | undefined;
  /** True if only titles that were set by hand are shown. Every other title is "". */
  onlyOwnTitles?: boolean | undefined;
}

export interface ConversationPage<Row = ConversationSummary> {
  /** The conversation that was changed last comes first. */
  conversations: Row[];
  /** `after` of the following page. Undefined if this page is the last one. */
  next?: number;
}

/** Names conversations to delete: those beyond this number of latest ones that lists show, or those that are too old. */
export type ExpiryRule = { beyond: number } | AgeRule;

interface AgeRule {
  beyond?: never;
  /** Only conversations whose last change was before this time, in milliseconds since the epoch. */
  changedBefore: number;
  /**
   * The present time, or the time of the last change while this host does not trust its clock. A conversation stays as long as one that was changed before it and has a time from `changedBefore` to `now`: a clock was
   * behind when it was changed.
   */
  now: number;
  /** Only conversations that were created for a single API call. */
  isForSingleCalls?: true;
}

/** Title and pin that a person sets. A field that is undefined leaves the stored value as it is. */
export interface ConversationLabel {
  /** Null: the conversation gets back the title that was made for it. */
  title?: string | null | undefined;
  pinned?: boolean | undefined;
}

/** A version of a conversation, with the events that show at which turn two versions begin to differ. */
export interface StoredVersion {
  conversationId: string;
  lastSeq: number;
  updatedAt: number;
  /** The requests and the rewinds, in order. `toSeq` is set for a rewind. */
  marks: { seq: number; turnId: string; toSeq?: number }[];
}

/**
 * Operations on whole conversations. Every method may throw StoreError. If a turn of the conversation prevents the operation, the method
 * throws RequestError `busy`.
 */
export interface Archive {
  /** Returns the unfinished turns and, for each turn, the host that owns it, if any. */
  unfinished(): Promise<{ conversationId: string; nodeId?: string }[]>;
  /**
   * Reads the conversation's events, calls `decide` with them, and appends the event that `decide` returns. No other event is written in
   * between. Throws `busy` while a turn is unfinished.
   */
  amend(conversationId: string, decide: (events: readonly StoredEvent[]) => ChatEvent): Promise<StoredEvent>;
  /**
   * Creates the conversation `to`. `decide` gets the events of the original. It returns the first event of the copy, and the `seq` of every
   * event of the original that follows in the copy. With `isVersion`, the copy is a version of the original: lists show only the version that
   * changed last, and a copy counts as changed with its first message.
   */
  copy(
    conversationId: string,
    to: string,
    decide: (events: readonly StoredEvent[]) => { first: ChatEvent; seqs: readonly number[] },
    isVersion?: boolean,
  ): Promise<void>;
  /** Returns the versions of the conversation in the order in which they were made, itself included. Leaves out versions without a message. */
  versions(conversationId: string): Promise<StoredVersion[]>;
  /**
   * Claims the title of the conversation for a turn, about which the model is to be asked. Resolves with true once for each conversation, and
   * never if it has a title already.
   */
  claimTitle(conversationId: string, turnId: string): Promise<boolean>;
  /**
   * Stores the title that the model has made, and counts what it cost. The conversation stays where it is in lists. Does nothing if the
   * conversation does not exist.
   */
  addTitle(conversationId: string, event: TitleEvent): Promise<void>;
  /** Sets the title and the pin of the conversation and of all its versions. Resolves with false if the conversation does not exist. */
  label(conversationId: string, label: ConversationLabel): Promise<boolean>;
  /**
   * Deletes the conversation with all its versions, and everything that belongs to them. Throws `busy` while a host owns one of their turns.
   * Resolves with the ids of what was deleted.
   */
  delete(conversationId: string): Promise<string[]>;
  /**
   * Deletes the conversation as `delete` does. Resolves with false, without deleting, if the conversation has events after `lastSeq` or an
   * unfinished turn.
   */
  expire(conversationId: string, lastSeq: number): Promise<boolean>;
  /** Returns `most` of the conversations that the rule names, the oldest first. Leaves out the first `skip` of them. */
  expiring(
    rule: ExpiryRule,
    part: { most: number; skip: number },
  ): Promise<Pick<ConversationSummary, "conversationId" | "lastSeq">[]>;
  /** Returns the ids of the conversations that have changed last, also of deleted ones, and of `most` of the latest conversations. */
  recentlyChanged(most: number): Promise<string[]>;
  /** Returns the time of the conversation that was changed last, whatever the times of the others are. Returns 0 if there is none. */
  lastChange(): Promise<number>;
}

/** Data that is stored with a request, so that a host can resume the request's turn later. */
export interface TurnRequest {
  /**
   * True if the host runs the turn at once. A log that can do so then acquires the turn within the claim, unless an earlier turn of the
   * conversation is unfinished.
   */
  acquires?: boolean;
  /** Host that owns the turn from the start. If undefined, no host owns the turn until one takes it. */
  nodeId?: string;
  /**
   * Workspace of the request. If the turn is abandoned, only hosts of this workspace resume it, since hosts of other workspaces have other
   * servers.
   */
  workspace: string;
  /** Folder that lists show for the conversation. Default: the workspace. */
  folder?: string | undefined;
  /** Options of the turn, as JSON. */
  options: unknown;
  /**
   * Number of the event that the message continues. The claim is refused if another message or a rewind has followed that event, or if the
   * event was deleted.
   */
  continues?: number | undefined;
}

/** The event log. Every method throws StoreError. */
export interface ChatStore {
  readonly turns: TurnLeases;
  readonly results: ResultStore;
  readonly archive: Archive;
  readonly usage: UsageCounters;
  readonly checkpoints: CheckpointStore;
  /**
   * Returns the time by the clock that gives events their times, in milliseconds since the epoch. Undefined if that clock is this machine's
   * clock.
   */
  readonly now?: () => number;
  /**
   * Reads the log once, without retrying. Rejects if it cannot be read. `isReadOnly` is true if it takes no writes, like a standby of
   * PostgreSQL.
   */
  check(): Promise<{ isReadOnly: boolean }>;
  /**
   * Resolves with true if the periodic task is due; the caller must then do it, for all hosts on this log. Undefined if every host does the
   * task for itself.
   */
  isDue?(task: string, everyMs: number): Promise<boolean>;
  /** Bus between the hosts on this log. Undefined if live events are not sent to other processes. */
  readonly live?: LiveBus;
  /**
   * Stores the user message and its turn in one transaction. If the request id already exists, stores nothing; but if the turn of that
   * request failed in a way that a retry may fix, queues the turn again. Throws RequestError `request_mismatch` if the request id exists
   * with different content, and `busy` if the id is new and the message cannot continue the event `request.continues`.
   */
  claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim>;
  /**
   * Appends events of one turn at consecutive positions: either all of them or none. Resolves when they are as durable as this store can make
   * them. Rejects with `fenced` if another host owns the turn.
   * If the same events are already stored at these positions, returns the stored events. An event that ends the turn must be the last one,
   * and gives back the turn's grant.
   */
  appendAll(conversationId: string, events: readonly ChatEvent[], grant: TurnGrant): Promise<StoredEvent[]>;
  /**
   * Returns the events with `seq >= from`, in order. With `most`, returns a page of them: not more than `most`, and fewer if they are large. A
   * page of fewer than two events is the last one.
   */
  read(conversationId: string, from?: number, most?: number): Promise<StoredEvent[]>;
  /** Returns a page of the last events with `seq < before`, in order: not more than `most`, and fewer if they are large. */
  readBefore(conversationId: string, before: number, most: number): Promise<StoredEvent[]>;
  /** Returns a page of conversations. Its cost grows with the page, not with the number of conversations in the log. */
  conversations(query: ConversationQuery): Promise<ConversationPage>;
  /**
   * Returns the totals of all requests of this period. It begins and ends with a quarter of an hour, as every day does. A copied event counts
   * only once. A request still counts when its conversation is deleted.
   */
  spent(period: Period): Promise<SpentTotals>;
  close(): Promise<void>;
}

/**
 * The last checkpoint of each conversation (`log/folds/checkpoint.ts`), as text. It can be lost, because it is made from the log. It is
 * deleted together with its conversation. Methods throw StoreError.
 */
export interface CheckpointStore {
  /** Stores the checkpoint in place of the one before. Does nothing if the conversation does not exist. */
  put(conversationId: string, checkpoint: string): Promise<void>;
  read(conversationId: string): Promise<string | undefined>;
}

/**
 * Tool results that are too large for a model. A conversation may read a result only if the log of the conversation contains the result's
 * id; see `ToolResult.resultIds`. Methods throw StoreError.
 */
export interface ResultStore {
  /**
   * Stores a result. `conversationId`: the conversation that produced the result; the result is deleted together with it. Resolves when the
   * result is as durable as an event.
   */
  put(conversationId: string, resultId: string, text: string): Promise<void>;
  /** Returns the text; undefined if the result does not exist or was deleted. */
  read(resultId: string): Promise<string | undefined>;
}

/** Port for messages between the hosts on one event log. The messages need not survive, so they are not stored. */

export interface BusMessage {
  channel: string;
  text: string;
}

/** A fast bus that may lose messages. A lost message is not sent again. */
export interface LiveBus {
  /** Maximum size of a message, in UTF-8 bytes. */
  readonly maxBytes: number;
  /** Sends messages. Resolves when there is room for more. Never rejects: messages that cannot be sent are lost. */
  send(messages: readonly BusMessage[]): Promise<void>;
  /**
   * Receives this channel's messages from all hosts, including this host, until the returned function is called. `onBegin` is called when
   * receiving begins. It is called again whenever messages may have been missed.
   */
  receive(channel: string, onMessage: (text: string) => void, onBegin: () => void): () => void;
}

/** Port between a conversation and its event log: events, whole conversations, results and usage. */
import type { ChatEvent, StoredEvent, UserMessageEvent } from "./events.js";
import type { LiveBus } from "./live-bus.js";
import type { Observe } from "./ports.js";
import type { SharedLimits } from "./shared-limits.js";
import type { HostProcess, NodePlaces, TurnGrant, TurnLease, TurnLeases } from "./turn-leases.js";

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
  /** Time of the last change. A change is a request, the end of a turn, a rewind or the copy itself; other events of a turn are none. */
  updatedAt: number;
  /** Beginning of the text of the user's first message. It is "" if the message has no text. */
  title: string;
  /** Workspace of the last request. */
  workspace: string;
  /** Number of turns, not counting turns that a rewind removed. */
  turns: number;
}

/** Choice of the conversations that a page shows. */
export interface ConversationQuery {
  /** Maximum number of conversations in the page. */
  most: number;
  /** `next` of the page before. Default: the page begins with the latest conversation. */
  after?: number | undefined;
  /**
   * Only conversations with this text in their title or in a message of the user that no rewind removed, in any case. Of a message, the first
   * 2,000 characters count. A text of one or two characters is only looked for in titles. Conversations of single calls are not found.
   */
  text?: string | undefined;
  /** Only conversations whose last request had one of these workspaces. */
  workspaces?: readonly string[] | undefined;
  /** True if conversations that were created for a single API call are shown, too. */
  includesSingleCalls?: boolean | undefined;
}

export interface ConversationPage<Row = ConversationSummary> {
  /** The conversation that was changed last comes first. */
  conversations: Row[];
  /** `after` of the following page. Undefined if this page is the last one. */
  next?: number;
}

/** The conversations that retention may delete. */
export interface ExpiryRule {
  /** Only conversations whose last change was before this time, in milliseconds since the epoch. */
  changedBefore: number;
  /** Only conversations beyond this number of latest ones. */
  beyond?: number;
  /** True for a rule about conversations that were created for a single API call. Such a rule has no `beyond`. */
  isForSingleCalls?: true;
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
   * event of the original that follows in the copy.
   */
  copy(
    conversationId: string,
    to: string,
    decide: (events: readonly StoredEvent[]) => { first: ChatEvent; seqs: readonly number[] },
  ): Promise<void>;
  /**
   * Deletes the conversation and everything that belongs to it. Throws `busy` while a host owns one of its turns. Resolves with false if
   * the conversation does not exist.
   */
  delete(conversationId: string): Promise<boolean>;
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
  /** Returns the time of the last change of any conversation until the given time. Returns 0 if there was none. */
  lastChange(until: number): Promise<number>;
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
  /** Options of the turn, as JSON. */
  options: unknown;
  /**
   * Number of the event that the message continues. The claim is refused if another message or a rewind has followed that event, or if the
   * event was deleted.
   */
  continues?: number | undefined;
}

/** Totals of several requests. They count against limits. */
export interface SpentTotals {
  tokens: number;
  /** Cost of the requests whose price is known, in US dollars. */
  usd: number;
  /** Number of requests whose price is unknown. */
  unpriced: number;
  /** Number of requests whose token counts are estimated. */
  estimated: number;
}

/** Spending of one request: `unpriced` and `estimated` are 0 or 1. */
export interface Spending extends SpentTotals {
  /** Identifies the request. All copies of its event in other conversations have the same place. */
  place: string;
  /** Time of its event, in ms since the epoch. */
  at: number;
}

/** A period from `since` (included) to `until` (excluded), in milliseconds since the epoch. */
export interface Period {
  since: number;
  until: number;
}

/** Usage of models. */
export interface ModelCounts {
  requests: number;
  inputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  cachedTokens: number;
  cacheWriteTokens: number;
  /** Input and output tokens of the requests whose usage the provider did not report. */
  estimatedTokens: number;
  /** Cost of the requests whose price was known, in US dollars. */
  usd: number;
  unpriced: number;
}

/** Usage of tools. Only calls that were sent count. */
export interface ToolCounts {
  calls: number;
  errors: number;
  /** Total time of the calls, each from its sending to its result. */
  durationMs: number;
  /** Total size of the results as stored. What is stored is what the model was given. */
  resultBytes: number;
}

/** Usage of one model within a period. `at`: start of the period. */
export interface ModelUsage extends ModelCounts {
  at: number;
  provider: string;
  model: string;
}

/** Usage of one tool within a period. */
export interface ToolUsage extends ToolCounts {
  /** Start of the period. */
  at: number;
  /** The tool's name for the model: `server__tool`. */
  name: string;
}

export interface ConversationUsage extends ModelCounts {
  conversationId: string;
}

/** Progress of the counting of conversations that are older than the counters. */
export interface UsageProgress {
  counted: number;
  conversations: number;
}

/**
 * Counters of usage. A conversation that is deleted takes its usage back. Each event counts only once, even if a copied conversation has it
 * in common with its origin. Periods begin and end with a quarter of an hour, see `quarterMs`: every time zone differs from UTC by a
 * multiple of 15 minutes, so midnight is always the start of a quarter. What a method costs depends on its periods, not on the log. Every
 * method throws StoreError.
 */
export interface UsageCounters {
  /** Returns the usage of each model in each of these periods. They must not overlap. */
  models(periods: readonly Period[]): Promise<ModelUsage[]>;
  tools(periods: readonly Period[]): Promise<ToolUsage[]>;
  /** Returns the usage of the `most` dearest conversations, and the number of all conversations with usage. */
  conversations(period: Period, most: number): Promise<{ conversations: ConversationUsage[]; all: number }>;
  /** Returns a time before which no model was used. Undefined if none was ever used. */
  first(): Promise<number | undefined>;
  /** Returns the progress of `countOlder`. Undefined if all conversations are counted. */
  progress(): Promise<UsageProgress | undefined>;
  /** Counts a few conversations that an earlier version wrote, the latest first. Takes some milliseconds. Resolves with the progress. */
  countOlder(): Promise<UsageProgress | undefined>;
  /** Forgets all counts. `countOlder` then counts all conversations anew. */
  reset(): Promise<void>;
}

/** The event log. Every method throws StoreError. */
export interface ChatStore {
  readonly turns: TurnLeases;
  readonly results: ResultStore;
  readonly archive: Archive;
  readonly usage: UsageCounters;
  /**
   * Returns the time by the clock that gives events their times, in milliseconds since the epoch. Undefined if that clock is this machine's
   * clock.
   */
  readonly now?: () => number;
  /** Reads the log once, without retrying. Rejects if it cannot be read. */
  check(): Promise<void>;
  /**
   * Resolves with true if the periodic task is due; the caller must then do it, for all hosts on this log. Undefined if every host does the
   * task for itself.
   */
  isDue?(task: string, everyMs: number): Promise<boolean>;
  /** Returns this host's access to the limits that all hosts on this log share. Undefined if every host has its own limits. */
  limits?(node: HostProcess, parts: { leaseMs: number; observe: Observe }): SharedLimits;
  /** Returns how the shared limits are currently divided among the hosts. */
  places?(): Promise<NodePlaces[]>;
  /** Bus between the hosts on this log. Undefined if live events are not sent to other processes. */
  readonly live?: LiveBus;
  /**
   * Stores the user message and its turn in one transaction. If the request id already exists, stores nothing; but if the turn of that
   * request failed in a way that a retry may fix, queues the turn again. Throws RequestError `request_mismatch` if the request id exists
   * with different content, and `busy` if the id is new and the message cannot continue the event `request.continues`.
   */
  claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim>;
  /** Appends an event. Resolves when the event is as durable as this store can make it. For `grant`, see `appendAll`. */
  append(conversationId: string, event: ChatEvent, grant?: TurnGrant): Promise<StoredEvent>;
  /**
   * Appends events of one turn at consecutive positions: either all of them or none. Rejects with `fenced` if another host owns the turn.
   * If the same events are already stored at these positions, returns the stored events. An event that ends the turn must be the last one,
   * and gives back the turn's grant.
   */
  appendAll(conversationId: string, events: readonly ChatEvent[], grant: TurnGrant): Promise<StoredEvent[]>;
  /** Returns the events with `seq >= from`, in order, but not more than `most`. Default: all events. */
  read(conversationId: string, from?: number, most?: number): Promise<StoredEvent[]>;
  /** Returns the last `most` of the events with `seq < before`, in order. */
  readBefore(conversationId: string, before: number, most: number): Promise<StoredEvent[]>;
  /** Returns a page of conversations. What it costs depends on the page, not on the number of conversations in the log. */
  conversations(query: ConversationQuery): Promise<ConversationPage>;
  /** Returns the totals of all requests in the period, over all conversations. A copied event counts only once. */
  spent(period: Period): Promise<SpentTotals>;
  /** Returns every request since the given time, in milliseconds since the epoch. Their sum is `spent` of the same time. */
  spendings(since: number): Promise<Spending[]>;
  close(): Promise<void>;
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

/** Port between the hosts and the part of the event log that says which host runs which turn. */

/** A host that has been silent for this long loses its turns to other hosts, unless `chat.storage.lease` is set. */
export const defaultLeaseMs = 10_000;

/** Number of crashes after which a turn is not tried again. A host's crash counts only if the host was running the turn. */
export const maxCrashes = 3;

/** Default workspace of hosts that share a database. They resume the turns of all folders, because they have the same servers. */
export const sharedWorkspace = "shared";

/**
 * Prefix of the workspace of turns that use servers which a client has brought. No host resumes such turns by itself, because only the client
 * can bring these servers again.
 */
export const clientServersPrefix = "acp:";

/** Matches a workspace that is a folder, here and in PostgreSQL. Hosts that have a workspace of their own name may have servers of their own. */
export const folderPattern = "^(/|[A-Za-z]:[/\\\\])";

/** True if a host of the workspace `host` may resume turns of the workspace `turn` by itself. */
export function isResumedIn(host: string, turn: string): boolean {
  return turn === host || (host === sharedWorkspace && new RegExp(folderPattern).test(turn));
}

export interface TurnName {
  conversationId: string;
  turnId: string;
  requestId: string;
}

export interface QueuedTurn extends TurnName {
  /** Position of the turn among the unfinished turns of its conversation. If the turn is queued again, it gets a new position. */
  place: number;
  /** Newest fold version with which a host has written to the conversation. Hosts with an older fold version cannot resume the turn. */
  fold: number;
}

export interface AbandonedTurn extends QueuedTurn {
  /** Number that increases each time that the turn gets another owner or loses its owner. */
  fence: number;
  workspace: string;
}

export interface LoggedTurnState {
  /** True while the turn waits or runs, on any host. */
  isUnfinished: boolean;
  /** Number of hosts that crashed while they ran this turn. */
  crashes: number;
}

export interface TurnLease {
  fence: number;
  /**
   * Number of hosts that crashed while they ran this turn, or that could not resume it. A crash does not count if the turn was waiting for
   * a person.
   */
  crashes: number;
  options: unknown;
}

/** The right to write a turn's events. The right ends when it is given back, or when another host takes the turn over. */
export interface TurnGrant {
  fence: number;
  /** Position of the first event to be written. Positions count the events of the turn from 1. Each position can be written only once. */
  position: number;
  /**
   * `seq` of the conversation's last event, as far as the writer knows. This number only makes writes cheaper: if the conversation's last
   * event has this `seq` and belongs to this turn, no other host has written, so a log in a file needs no further query.
   */
  lastSeq?: number | undefined;
}

/**
 * Mail from another host to the turn's owner. `isOutOfTurn`: a turn that waits ends without waiting for earlier turns. `stopReason`: stop reason
 * of the turn. Default: `cancelled`.
 */
export type TurnMail =
  | { type: "cancel"; isOutOfTurn?: boolean; stopReason?: "budget" }
  | { type: "answer"; questionId: string; value: unknown };

/** Returns the id of the question that the mail answers, or null for other mail. */
export function answeredQuestionId(mail: TurnMail): string | null {
  return mail.type === "answer" ? mail.questionId : null;
}

export interface HostProcess {
  nodeId: string;
  /** Scope within which `pid` is unique. */
  machine: string;
  pid: number;
  /** Version of this program on that host. */
  version?: string | undefined;
}

/** A host as the log records it. All times are by the log's clock, because the clocks of machines differ. */
export interface LogNode extends HostProcess {
  seenAt: number;
  /** Time since `seenAt`, in milliseconds. */
  silentMs: number;
}

/** Number of unfinished turns that one host owns or, without `nodeId`, that no host owns. */
export interface NodeTurns {
  nodeId?: string;
  running: number;
  waiting: number;
}

/**
 * Leases of turns. At most one host has the lease of a turn, and at most one turn of a conversation is leased at a time. Every method
 * throws StoreError.
 */
export interface TurnLeases {
  /**
   * Acquires a turn. Resolves with undefined if this turn has ended, if another host owns it, or if an earlier turn of the conversation is
   * unfinished. `isOutOfTurn`: earlier turns are ignored, so that this turn can be ended without running. `mostCrashes`: also resolves with
   * undefined if more hosts than this have crashed while they ran the turn.
   */
  acquire(
    conversationId: string,
    turnId: string,
    nodeId: string,
    isOutOfTurn?: boolean,
    mostCrashes?: number,
  ): Promise<TurnLease | undefined>;
  /** Records that this host is alive. Resolves with the time of this record by the log's clock. */
  beat(node: HostProcess): Promise<number>;
  /** Removes the host from the log. Its unfinished turns become free, and this does not count as a crash. */
  leave(nodeId: string): Promise<void>;
  /**
   * Returns the registered hosts. With `of`, the log may leave out hosts on other machines that were heard within this time, so that the
   * cost does not grow with the number of healthy hosts.
   */
  nodes(of?: { machine: string; silentMs: number }): Promise<LogNode[]>;
  /** Counts the unfinished turns of each host. */
  load(): Promise<NodeTurns[]>;
  /** Declares the host dead unless it was seen after `seenAt`. Its unfinished turns become free. */
  bury(nodeId: string, seenAt: number): Promise<void>;
  /**
   * Returns those unfinished turns that no host owns, the oldest first: those of a conversation, or those that a host of the workspace may
   * resume (`isResumedIn`).
   */
  abandoned(of: { workspace: string } | { conversationId: string }): Promise<AbandonedTurn[]>;
  held(nodeId: string): Promise<TurnName[]>;
  /** Frees a turn that the given host owns but could not continue. This counts as a crash. */
  release(turn: TurnName, nodeId: string): Promise<void>;
  /** Returns the ids of the unfinished turns that come before the given turn in the conversation, in order. */
  before(conversationId: string, turnId: string): Promise<string[]>;
  /** Returns the turn's state; undefined if its conversation was deleted. */
  stateOf(conversationId: string, turnId: string): Promise<LoggedTurnState | undefined>;
  /**
   * Sends mail to a turn. Resolves with false, without sending, if the turn has ended. Also if the mail answers a question of the turn that
   * already has an answer, in the mail or in the log.
   */
  send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean>;
  /**
   * Returns the mail for the turns of the given host. A host receives each mail once while it owns the turn. If the host crashes, the
   * turn's next owner receives the mail again.
   */
  receive(nodeId: string): Promise<{ conversationId: string; turnId: string; mail: TurnMail }[]>;
  /** Returns a number that changes whenever another process writes to the log. */
  version(): Promise<number>;
  /**
   * Calls `watcher` after writes to the log, until the returned function is called. `watcher` gets the id of the conversation that was
   * written to, or no id if it may be any conversation. Undefined if the log cannot notify. Writes that are reported to a watcher do not
   * change `version`.
   */
  watch?(watcher: (conversationId?: string) => void): () => void;
}

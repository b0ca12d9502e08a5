/** Port between the turns of this host and the other hosts on its event log. */

import type { Claim, TurnRequest } from "./chat-store.js";
import type { StoreError } from "./errors.js";
import type { ChatEvent, LiveEvent, StateLostEvent, StoredEvent, TurnEvent, UserMessageEvent } from "./events.js";
import type { ToolHub } from "./ports.js";
import type { AbandonedTurn, LogNode, TurnLease, TurnMail, TurnName } from "./turn-leases.js";

/** All hosts on one event log, as this host uses them. Methods reject with StoreError if the log fails. */
export interface Cluster {
  /** Workspace of this host. This host does not take over turns of another workspace, because they need the servers of that workspace. */
  readonly workspace: string;
  /**
   * Error of the last heartbeat if the log did not store it, or of events that a full or locked log has refused. Undefined once the log has
   * stored a heartbeat, holds back no events of a turn, and has refused no request since the heartbeat before.
   */
  readonly writeError?: StoreError | undefined;
  /** Registers this host in the log. Must be called before the first turn. */
  begin(): Promise<void>;
  /**
   * Makes this a serving host: it keeps what the log refuses, and is told when lost hosts were looked for. With `takesAny`, it also resumes any
   * turns of lost hosts, and takes turns that are given to it.
   */
  recover(whose: { takesAny: boolean }): Promise<void>;
  /** Stores a request as `ChatStore.claim` does, with this host as the owner of the turn. */
  claim(conversationId: string, message: UserMessageEvent, request: TurnRequest): Promise<Claim>;
  /** True if the cluster will give this turn, which no host owns, to a host. If false, a host must find the turn and resume it. */
  isDispatched(turn: AbandonedTurn): boolean;
  /** Runs the turn here, or shows it while another host runs it. Resolves when the turn has ended on any host. */
  drive(drive: Drive): Promise<void>;
  /** Makes all turns of the conversation that wait here check whether they may run now. */
  wake(conversationId: string): void;
  /**
   * Sends mail (a cancellation, or a person's answer) to the host that owns the turn, which may be this host. Resolves with false if the
   * turn has ended, or if its question has already been answered.
   */
  send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean>;
  /** Sends a live event to other hosts. The event must be from the turn of this conversation that this host runs. */
  relay(conversationId: string, event: LiveEvent): void;
  /**
   * Follows turns that other hosts run in the conversation. `lastSeq`: `seq` of the last stored event that the reader has. `onChange` is
   * called when the cursor has something new to take.
   */
  follow(conversationId: string, lastSeq: number, onChange: () => void): { cursor: LiveCursor; leave: () => void };
  /** Returns the hosts whose process has ended, or that have been silent for longer than their lease. They may be alive. */
  silentHosts(): Promise<LogNode[]>;
  /** Returns the hosts that are certainly lost, so that their turns may be taken from them. */
  lostHosts(): Promise<LogNode[]>;
  /** Stops taking turns. Turns that run on this host continue. Turns that only wait on this host are left to other hosts. */
  retire(): Promise<void>;
  /** Leaves the log. Gives up the leases of unfinished turns, so that other hosts can resume them. */
  close(): Promise<void>;
}

/** Functions of a host that the cluster calls. */
export interface LocalTurns {
  /** True if a turn of this conversation runs or waits here. Without an id: a turn of any conversation. */
  isBusy(conversationId?: string): boolean;
  has(turn: TurnName): boolean;
  /** Called with a turn that no host owns. */
  abandoned(turn: AbandonedTurn): void;
  /** Called each time that this host has looked for lost hosts. Their turns are free then. */
  swept(): void;
  /** Called with a turn that was given to this host. Runs the turn. Resolves when the turn neither runs here nor waits here. */
  given(turn: TurnName): Promise<void>;
  mail(conversationId: string, turnId: string, mail: TurnMail): void;
}

/**
 * How a closing host treats a turn. `open`: it has not stopped the turn. `leaving`: if the turn runs here, it is cancelled and ended; if it
 * waits here, it is left to other hosts. `parked`: the turn is stopped without an end, so that another host resumes it.
 */
export type TurnClosing = "open" | "leaving" | "parked";

/**
 * The stage of a turn, as this host knows it. The stages follow each other in this order. But if another host takes over a running turn,
 * the turn goes back to `waiting`.
 */
export type LiveTurnState =
  /** The turn's request is being stored. */
  | { at: "claiming" }
  /** The turn waits until it is given to a host. Until then, it cannot run here. */
  | { at: "queued" }
  /** The turn waits for the turns before it, or runs on another host. */
  | { at: "waiting" }
  | { at: "running" }
  /** This host has stored the end of the turn. */
  | { at: "stored" }
  /** The turn is over on this host. `error` is set if the log could not be written, or if the turn was left to another host. */
  | { at: "ended"; error?: unknown };

/** A turn as its watchers on this host see it. */
export interface WatchedTurn {
  readonly turnId: string;
  readonly requestId: string;
  /** True if the turn was cancelled before it ran, and so ends without running. Such a turn does not wait for earlier turns. */
  readonly endsOutOfTurn: boolean;
  readonly state: LiveTurnState;
  readonly closing: TurnClosing;
  /** `seq` of the last stored event that was shown or skipped. */
  readonly lastSeq: number;
  /** `seq` of the last stored event that was shown, not counting the request. 0 if no such event was shown. */
  readonly lastEnd: number;
  /** Throws RequestError if the turn was parked. */
  requireOpen(): void;
  park(): void;
  /** Notes that the turn no longer waits to be given to a host. */
  leaveQueue(): void;
  publish(event: TurnEvent, shown?: readonly TurnEvent[]): void;
  /** Shows an event of another host. */
  overhear(event: LiveEvent): void;
  skipTo(seq: number): void;
  /**
   * Calls `begin` when the first watcher comes, and the function returned by `begin` when the last watcher leaves. Returns a function that
   * ends this: after its call, neither of the two is called any more.
   */
  whileWatched(begin: () => () => void): () => void;
}

/** A turn that the cluster brings to its end, with the functions to do so. */
export interface Drive {
  conversationId: string;
  turn: WatchedTurn;
  /**
   * Runs the turn. Resolves with undefined when the turn has ended. If another host has taken over the turn meanwhile, resolves with the
   * mail that this host must forward to it: a cancellation, or answers that are not stored yet. Called again if this host gets the turn
   * back.
   */
  run(owned: OwnedTurn): Promise<readonly TurnMail[] | undefined>;
  /** Called with an earlier turn of the conversation that no host owns. */
  resume(abandoned: AbandonedTurn): void;
  /** Called with an event that another host has stored for the turn, before the event is shown. */
  onStored(event: StoredEvent): void;
}

export interface CalledServers {
  /** For each server, the host that ran it when it was last called before `events`. */
  processes: Iterable<readonly [server: string, nodeId: string]>;
  events: readonly StoredEvent[];
}

/** A turn while this host owns it. */
export interface OwnedTurn {
  readonly lease: TurnLease;
  /** The stored request, if the conversation has just begun with it. The log has no other event then, so it need not be read. */
  readonly onlyEvent?: StoredEvent | undefined;
  /**
   * Starts the run. Called after the log has been read. `own`: the stored events of this turn; `lastSeq`: `seq` of the conversation's last
   * event. From then on, `onLost` is called when another host takes the turn over. If another host has already done so, rejects with
   * StoreError `fenced`.
   */
  begin(log: { own: readonly StoredEvent[]; lastSeq: number }, onLost: (error: unknown) => void): Promise<void>;
  /**
   * Confirms that this host owns the turn. Returns undefined if that is certain without asking the log. Otherwise returns a promise. If
   * this host has lost the turn, the promise rejects after `onLost` was called; then nothing more may be sent for the turn.
   */
  readonly confirm: () => Promise<void> | undefined;
  /** Shows an event to the watchers on all hosts. */
  show(event: TurnEvent): void;
  /** Adds the id of this host to the events that record which host keeps the state of a server. Called before the events are stored. */
  withProcesses(events: readonly ChatEvent[], log: readonly StoredEvent[], hub: ToolHub): readonly ChatEvent[];
  /**
   * Resolves with an event that informs the model which servers have lost their state. Resolves with undefined if there are no such
   * servers, or if the log cannot be read.
   */
  lostState(log: CalledServers, hub: ToolHub): Promise<StateLostEvent | undefined>;
  /**
   * Runs `write`, which stores events of the turn. While it rejects because the log is full or locked, repeats it after each heartbeat, for
   * ten minutes with the default lease, or until the host closes. A host that does not resume turns does not repeat it: its user gets the
   * error, can do something about it, and sends the request again. With `givenUp`, the turn can do without the write: it is repeated only
   * while the log refuses other writes, too, until `givenUp` aborts, and by itself does not count as a problem of the log.
   */
  retryRefused<T>(write: () => Promise<T>, givenUp?: AbortSignal): Promise<T>;
  /** Does work while the turn waits for a person. If the host crashes during this work, the crash does not count against the turn. */
  whileWaiting<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** A reader of the message that another host is writing. It shows the message and the stored events in their order. */
export interface LiveCursor {
  /** True if the message follows a stored event that this reader has not received yet. */
  readonly isBehind: boolean;
  take(): LiveEvent[];
  /** Returns what to show before this stored event. */
  stored(event: StoredEvent): LiveEvent[];
  /** Voids the part of the message that was shown so far. Returns the events that inform the watchers of this. */
  void(reason: string): LiveEvent[];
}

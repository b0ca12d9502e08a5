/** Port between the turns of this host and the other hosts on its event log. */
import type { ChatEvent, LiveEvent, StateLostEvent, StoredEvent, TurnEvent, UserMessageEvent } from "./events.js";
import type { ToolHub } from "./ports.js";
import type { AbandonedTurn, Claim, LogNode, TurnLease, TurnMail, TurnName } from "./store-ports.js";

/**
 * The hosts on one event log, as a host sees them. There are two implementations: one for a log that only this process can reach, and one
 * for logs that several processes share. Methods reject with StoreError if the log fails.
 */
export interface Cluster {
  /** Workspace of this host. It does not take turns of another workspace, because they need the servers of that workspace's hosts. */
  readonly workspace: string;
  /** Direct streams to the other hosts. Undefined if live events stay in this process. */
  readonly streams?: PeerStreams | undefined;
  /** Registers this host in the log. Must be called before the first turn. */
  begin(): Promise<void>;
  /** Starts to resume turns of lost hosts, and to take turns that are given to this host. */
  recover(): Promise<void>;
  /** Stores a request, like `ChatStore.claim`. `isQueued`: the turn waits until it is given to a host. */
  claim(
    conversationId: string,
    message: UserMessageEvent,
    request: ClaimOptions,
  ): Promise<Claim & { isQueued: boolean }>;
  /** True if the turn, which no host owns, will be given to a host. Otherwise a host has to resume it. */
  isGivenOut(turn: AbandonedTurn): boolean;
  /** Runs the turn here, or shows it while another host runs it. Resolves once the turn has ended on any host. */
  drive(drive: Drive): Promise<void>;
  /** Lets all turns of the conversation check whether they may run now. */
  wake(conversationId: string): void;
  /**
   * Sends mail to the host that owns the turn, which may be this host. Resolves with false if the turn has ended or its question was
   * already answered.
   */
  send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean>;
  /** Relays a live event of the turn that runs here in this conversation to other hosts. */
  relay(conversationId: string, event: LiveEvent): void;
  /**
   * Follows turns that other hosts run in the conversation. `lastSeq` is the last stored event that the reader has. `onChange` is called
   * when there is something new to take.
   */
  follow(conversationId: string, lastSeq: number, onChange: () => void): { cursor: LiveCursor; leave: () => void };
  /** Returns the hosts whose process has ended, or that have been silent for longer than their lease. */
  lostHosts(): Promise<LogNode[]>;
  /** Stops taking turns. Turns that run here continue; turns that wait here are left to other hosts. */
  retire(): Promise<void>;
  /** Leaves the log. Gives up the leases of unfinished turns, so that other hosts can resume them. */
  close(): Promise<void>;
}

export interface ClaimOptions {
  /** Options of the turn, as JSON. */
  options: unknown;
  /** Default: the workspace of the host. */
  workspace?: string | undefined;
}

/** Functions of a host that the cluster calls. */
export interface LocalTurns {
  /** True if a turn of this conversation runs or waits here. Without an id: a turn of any conversation. */
  isBusy(conversationId?: string): boolean;
  has(turn: TurnName): boolean;
  /** Called with a turn that no host owns. */
  abandoned(turn: AbandonedTurn): void;
  /** Called with a turn that was given to this host. Runs it, and resolves when the turn neither runs nor waits here. */
  given(turn: TurnName): Promise<void>;
  mail(conversationId: string, turnId: string, mail: TurnMail): void;
}

/**
 * The treatment of a turn by a closing host. `leaving`: it ends the turn if the turn runs here, and leaves it to other hosts if it waits.
 * `parked`: it stops the turn without an end, so that another host resumes it.
 */
export type TurnClosing = "open" | "leaving" | "parked";

/** The stage of a turn, as this host knows it. The states follow each other in this order, but a turn that another host takes waits again. */
export type LiveTurnState =
  /** Its request is being stored. */
  | { at: "claiming" }
  /** It waits until it is given to a host. It cannot run here meanwhile. */
  | { at: "queued" }
  /** It waits for the turns before it, or runs on another host. */
  | { at: "waiting" }
  /** This host runs it. */
  | { at: "running" }
  /** This host has stored its end. */
  | { at: "stored" }
  /** It is over here. `error` is set if the log could not be written or the turn was left to another host. */
  | { at: "ended"; error?: unknown };

/** A turn as its watchers on this host see it. */
export interface WatchedTurn {
  readonly turnId: string;
  readonly requestId: string;
  /** True if the turn ends without running, because it was cancelled. Then it does not wait for earlier turns. */
  readonly endsOutOfTurn: boolean;
  readonly state: LiveTurnState;
  readonly closing: TurnClosing;
  /** `seq` of the last stored event that was shown or skipped. */
  readonly lastSeq: number;
  /** `seq` of the last stored event that was shown, the request excepted. 0 if there is none. */
  readonly lastEnd: number;
  /** Throws RequestError if the turn was parked. */
  requireOpen(): void;
  park(): void;
  /** The turn no longer waits to be given to a host. */
  leaveQueue(): void;
  publish(event: TurnEvent, shown?: readonly TurnEvent[]): void;
  /** Shows an event of another host. */
  overhear(event: LiveEvent): void;
  skipTo(seq: number): void;
  /** Calls `begin` when the first watcher comes, and the function that it returned when the last one leaves. Returns a function to stop. */
  whileWatched(begin: () => () => void): () => void;
}

/** A turn to be driven to its end. */
export interface Drive {
  conversationId: string;
  turn: WatchedTurn;
  /**
   * Runs the turn. Resolves when the turn has ended. If this host has lost the turn meanwhile, resolves with the mail for its next owner.
   * Called again if the turn comes back.
   */
  run(owned: OwnedTurn): Promise<readonly TurnMail[] | undefined>;
  /** Called with an earlier turn of the conversation that no host owns. */
  resume(abandoned: AbandonedTurn): void;
  /** Called with an event that another host has stored for the turn, before the event is shown. */
  onStored(event: StoredEvent): void;
}

/** A turn while this host owns it. */
export interface OwnedTurn {
  readonly lease: TurnLease;
  /**
   * Begins the run once the log was read. `own` are the stored events of the turn, `lastSeq` the last one of the conversation. From then on,
   * `onLost` is called if another host has taken the turn over. Rejects with StoreError `fenced` if one has.
   */
  begin(log: { own: readonly StoredEvent[]; lastSeq: number }, onLost: (error: unknown) => void): Promise<void>;
  /**
   * Confirms that this host owns the turn. Returns undefined if that is certain without asking the log. The promise rejects, after `onLost`
   * was called, if nothing more may be sent for the turn.
   */
  readonly confirm: () => Promise<void> | undefined;
  /** Shows an event to the watchers on all hosts. */
  show(event: TurnEvent): void;
  /** Adds this host to events that tell where state is kept. Called before the events are stored. */
  signed(events: readonly ChatEvent[], log: readonly StoredEvent[], hub: ToolHub): readonly ChatEvent[];
  /** Resolves with an event that tells the model of servers whose state is lost. Undefined if there is none, or if the log cannot say so. */
  lostState(log: readonly StoredEvent[], hub: ToolHub): Promise<StateLostEvent | undefined>;
  /** Does work during which the turn waits for a person. A crash of the host during this time does not count against the turn. */
  whileWaiting<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** A reader of the message that another host is writing. It keeps in step with the stored events. */
export interface LiveCursor {
  /** True if the message follows a stored event that the reader does not have yet. */
  readonly isBehind: boolean;
  /** Returns what to show now. */
  take(): LiveEvent[];
  /** Returns what to show before this stored event. */
  stored(event: StoredEvent): LiveEvent[];
  /** Returns what to show when the message is void. */
  void(reason: string): LiveEvent[];
}

/** Path at which a host serves streams to other hosts on its log. */
export const peerStreamPath = "/api/live";

/** Streams over HTTP to other hosts, used beside the log once one of them has connected. */
export interface PeerStreams {
  /**
   * Offers streams at this address to other hosts. The server at the address must pass each stream to `serve`. With `isLocal`, the offer is
   * only for hosts on this machine.
   */
  offer(url: string, secret: string, options: { isLocal: boolean }): void;
  /**
   * Sends what a host follows through `write`. Resolves when the stream has ended. `write` must resolve when the stream has room for more.
   */
  serve(nodeId: string, write: (text: string) => Promise<void>, gone: AbortSignal): Promise<void>;
}

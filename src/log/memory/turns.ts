import type { TurnRequest } from "../../core/chat-store.js";
import type { UserMessageEvent } from "../../core/events.js";
import type {
  AbandonedTurn,
  HostProcess,
  LoggedTurnState,
  LogNode,
  NodeTurns,
  TurnLease,
  TurnLeases,
  TurnMail,
  TurnName,
} from "../../core/turn-leases.js";
import { fenced } from "../shared/fencing.js";
import { jsonCopy } from "../shared/json-copy.js";
import { foldVersion } from "../shared/schema-version.js";
import type { MemoryLog } from "./log.js";
import { MemoryMail } from "./mail.js";

interface MemoryTurn extends AbandonedTurn {
  /** `failed` means that the turn continues when its request is repeated. */
  state: "queued" | "running" | "failed" | "ended";
  nodeId: string | undefined;
  fence: number;
  crashes: number;
  options: unknown;
}

interface ConversationTurns {
  readonly byId: Map<string, MemoryTurn>;
  lastPlace: number;
  lastFolder: string;
}

/** Turn leases, kept in memory like the events. Each turn has a lease, although one process runs all turns. */
export class MemoryTurns implements TurnLeases {
  readonly #now: () => number;
  readonly #conversations = new Map<string, ConversationTurns>();
  /** Turns that are queued or running, oldest first. Only these turns are searched, because they are few. */
  readonly #unfinished = new Set<MemoryTurn>();
  readonly #nodes = new Map<string, Omit<LogNode, "silentMs">>();
  readonly #log: MemoryLog;
  readonly #mail: MemoryMail;

  constructor(log: MemoryLog, now: () => number) {
    this.#log = log;
    this.#mail = new MemoryMail(log);
    this.#now = now;
  }

  /** Queues the turn after the other turns of the conversation. */
  enqueue(conversationId: string, { turnId, requestId }: UserMessageEvent, request: TurnRequest): void {
    const { nodeId, workspace, folder = workspace, options } = request;
    const turns = this.#conversations.get(conversationId) ?? { byId: new Map(), lastPlace: 0, lastFolder: "" };
    this.#conversations.set(conversationId, turns);
    turns.lastFolder = folder;
    const known = turns.byId.get(turnId);
    const turn: MemoryTurn = {
      conversationId,
      turnId,
      requestId,
      workspace,
      nodeId,
      state: "queued",
      place: ++turns.lastPlace,
      fold: foldVersion,
      fence: known ? known.fence + 1 : 0,
      crashes: known?.crashes ?? 0,
      options: jsonCopy(options ?? null),
    };
    turns.byId.set(turnId, turn);
    this.#unfinished.add(turn);
  }

  /** Queues a turn again if it has failed, or if it was copied with its conversation. A queued or running turn does not change. */
  reopen(conversationId: string, event: UserMessageEvent, request: TurnRequest): void {
    const turn = this.#turn(conversationId, event.turnId);
    if (!turn || turn.state === "failed") this.enqueue(conversationId, event, request);
  }

  /** Throws StoreError `fenced` unless the turn is running and its lease has this fence. */
  requireGrant(conversationId: string, turnId: string, fence: number): void {
    const turn = this.#turn(conversationId, turnId);
    if (turn?.state !== "running" || turn.fence !== fence) throw fenced(turnId);
  }

  end(conversationId: string, turnId: string, state: "ended" | "failed"): void {
    const turn = this.#turn(conversationId, turnId);
    if (!turn) return;
    Object.assign(turn, { state, nodeId: undefined, options: null });
    this.#unfinished.delete(turn);
    this.#mail.forget((of) => of === turn);
  }

  delete(conversationId: string): void {
    this.#conversations.delete(conversationId);
    for (const turn of this.unfinishedIn(conversationId)) this.#unfinished.delete(turn);
    this.#mail.forget((turn) => turn.conversationId === conversationId);
  }

  unfinishedIn(conversationId: string): MemoryTurn[] {
    return this.#where((turn) => turn.conversationId === conversationId);
  }

  /** Returns the unfinished turns of all conversations, with their owners. */
  owners(): { conversationId: string; nodeId?: string }[] {
    return this.#where(() => true).map(({ conversationId, nodeId }) => ({ conversationId, ...(nodeId && { nodeId }) }));
  }

  /** Returns the folder of the conversation's last request, or "" if there was no request. */
  folderOf(conversationId: string): string {
    return this.#conversations.get(conversationId)?.lastFolder ?? "";
  }

  async acquire(
    conversationId: string,
    turnId: string,
    nodeId: string,
    isOutOfTurn = false,
    mostCrashes = Number.MAX_SAFE_INTEGER,
  ): Promise<TurnLease | undefined> {
    const turn = this.#turn(conversationId, turnId);
    if (!turn || !this.#unfinished.has(turn) || !(turn.nodeId === nodeId || this.#isNobodys(turn))) return undefined;
    if (turn.crashes > mostCrashes || (!isOutOfTurn && this.#before(turn).length > 0)) return undefined;
    if (turn.state === "running" && turn.nodeId !== undefined && turn.nodeId !== nodeId) turn.crashes++;
    turn.fence++;
    Object.assign(turn, { state: "running", nodeId });
    return { fence: turn.fence, crashes: turn.crashes, options: jsonCopy(turn.options) };
  }

  async beat(node: HostProcess): Promise<number> {
    const seenAt = this.#now();
    this.#nodes.set(node.nodeId, { ...(this.#nodes.get(node.nodeId) ?? node), seenAt });
    return seenAt;
  }

  async leave(nodeId: string): Promise<void> {
    for (const turn of this.#heldBy(nodeId)) free(turn, false);
    this.#nodes.delete(nodeId);
  }

  async nodes(): Promise<LogNode[]> {
    const now = this.#now();
    return [...this.#nodes.values()].map((node) => ({ ...node, silentMs: now - node.seenAt }));
  }

  async load(): Promise<NodeTurns[]> {
    const loads = new Map<string | undefined, NodeTurns>();
    for (const { nodeId, state } of this.#unfinished) {
      const load = loads.get(nodeId) ?? { ...(nodeId && { nodeId }), running: 0, waiting: 0 };
      loads.set(nodeId, load);
      load[state === "running" ? "running" : "waiting"]++;
    }
    return [...loads.values()];
  }

  async bury(nodeId: string, seenAt: number): Promise<void> {
    const node = this.#nodes.get(nodeId);
    if (!node || node.seenAt > seenAt) return;
    this.#nodes.delete(nodeId);
    for (const turn of this.#heldBy(nodeId)) free(turn, !this.#isAsking(turn));
  }

  async abandoned(of: { workspace: string } | { conversationId: string }): Promise<AbandonedTurn[]> {
    const isOf = (turn: MemoryTurn) =>
      "workspace" in of ? turn.workspace === of.workspace : turn.conversationId === of.conversationId;
    return this.#where((turn) => isOf(turn) && this.#isNobodys(turn)).map(asAbandoned);
  }

  async held(nodeId: string): Promise<TurnName[]> {
    return this.#heldBy(nodeId).map(asAbandoned);
  }

  async release({ conversationId, turnId }: TurnName, nodeId: string): Promise<void> {
    const turn = this.#heldBy(nodeId).find((held) => held.conversationId === conversationId && held.turnId === turnId);
    if (turn) free(turn, !this.#isAsking(turn));
  }

  async before(conversationId: string, turnId: string): Promise<string[]> {
    const turn = this.#turn(conversationId, turnId);
    return turn ? this.#before(turn).map((earlier) => earlier.turnId) : [];
  }

  async stateOf(conversationId: string, turnId: string): Promise<LoggedTurnState | undefined> {
    const turn = this.#turn(conversationId, turnId);
    return turn && { crashes: turn.crashes, isUnfinished: this.#unfinished.has(turn) };
  }

  async send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    const turn = this.#turn(conversationId, turnId);
    return turn !== undefined && this.#unfinished.has(turn) && this.#mail.send(turn, mail);
  }

  async receive(nodeId: string) {
    return this.#mail.receive(nodeId);
  }

  /** Returns a version that never changes, because no other process can write to this log. */
  async version(): Promise<number> {
    return 1;
  }

  #turn(conversationId: string, turnId: string): MemoryTurn | undefined {
    return this.#conversations.get(conversationId)?.byId.get(turnId);
  }

  /** Returns the unfinished turns for which `isWanted` returns true, sorted by `place`. */
  #where(isWanted: (turn: MemoryTurn) => boolean): MemoryTurn[] {
    return [...this.#unfinished].filter(isWanted).sort((a, b) => a.place - b.place);
  }

  #heldBy(nodeId: string): MemoryTurn[] {
    return this.#where((turn) => turn.nodeId === nodeId);
  }

  #before({ conversationId, place }: MemoryTurn): MemoryTurn[] {
    return this.#where((turn) => turn.conversationId === conversationId && turn.place < place);
  }

  /** Returns true if the turn waits for a person's answer. Such a turn cannot be the reason why its host has crashed. */
  #isAsking({ conversationId, turnId }: MemoryTurn): boolean {
    return this.#log.ofTurn(conversationId, turnId).at(-1)?.type === "question";
  }

  /**
   * Returns true if no living host owns the turn. This includes turns whose owner is not registered: a host that was declared dead may
   * still have taken the turn and then died before its next heartbeat.
   */
  #isNobodys({ nodeId }: MemoryTurn): boolean {
    return nodeId === undefined || !this.#nodes.has(nodeId);
  }
}

/** Frees the turn and increments its fence, so that the previous owner can no longer write. */
function free(turn: MemoryTurn, isCrash: boolean): void {
  if (turn.state === "running" && isCrash) turn.crashes++;
  turn.fence++;
  Object.assign(turn, { state: "queued", nodeId: undefined });
}

function asAbandoned({ conversationId, turnId, requestId, place, fold, fence, workspace }: MemoryTurn): AbandonedTurn {
  return { conversationId, turnId, requestId, place, fold, fence, workspace };
}

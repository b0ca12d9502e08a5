import type { ChatStore, Claim, ConversationPage, ConversationQuery, TurnRequest } from "../../core/chat-store.js";
import type { ChatEvent, StoredEvent, UserMessageEvent } from "../../core/events.js";
import type { TurnGrant } from "../../core/turn-leases.js";
import type { Period, SpentTotals } from "../../core/usage-store.js";
import { requireSameEvents } from "../shared/fencing.js";
import { canContinue, requireSameContent, throwChanged } from "../shared/repeated-requests.js";
import { isOver, stateAfter } from "../shared/turn-state.js";
import { MemoryArchive } from "./archive.js";
import { MemoryCheckpoints } from "./checkpoints.js";
import { MemoryLog } from "./log.js";
import { MemoryResults } from "./results.js";
import { MemoryTurns } from "./turns.js";
import { MemoryUsage } from "./usage-counters.js";

/**
 * The event log of one process, kept in memory only. Each method is a transaction: it never waits in the middle of its work, so no other
 * method can run in between.
 */
export class MemoryStore implements ChatStore {
  readonly turns: MemoryTurns;
  readonly results = new MemoryResults();
  readonly archive: MemoryArchive;
  readonly usage: MemoryUsage;
  readonly checkpoints: MemoryCheckpoints;
  readonly #log: MemoryLog;

  constructor(now: () => number) {
    const log = new MemoryLog(now);
    this.#log = log;
    this.turns = new MemoryTurns(log, now);
    this.checkpoints = new MemoryCheckpoints((conversationId) => log.conversations.has(conversationId));
    this.archive = new MemoryArchive(log, this.turns, { results: this.results, checkpoints: this.checkpoints });
    this.usage = new MemoryUsage(log);
  }

  async claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim> {
    const turnId = this.#log.turnOf(conversationId, event.requestId);
    if (turnId === undefined) {
      const { continues } = request;
      if (continues !== undefined && !canContinue(continues, this.#log.from(conversationId, continues))) {
        throwChanged(conversationId);
      }
      const first = this.#log.insert(conversationId, [event], 1);
      this.turns.enqueue(conversationId, event, request);
      return { created: true, turnId: event.turnId, ended: false, events: first };
    }
    const events = this.#log.ofTurn(conversationId, turnId);
    requireSameContent(event, events[0]);
    const ended = isOver(events.at(-1));
    if (!ended) this.turns.reopen(conversationId, { ...event, turnId }, request);
    return { created: false, turnId, ended, events };
  }

  async append(conversationId: string, event: ChatEvent, grant?: TurnGrant): Promise<StoredEvent> {
    const [stored] = grant
      ? await this.appendAll(conversationId, [event], grant)
      : this.#log.insert(conversationId, [event]);
    return stored as StoredEvent;
  }

  async appendAll(conversationId: string, events: readonly ChatEvent[], grant: TurnGrant): Promise<StoredEvent[]> {
    const last = events.at(-1) as ChatEvent;
    this.turns.requireGrant(conversationId, last.turnId, grant.fence);
    const there = this.#log.onwards(conversationId, last.turnId, grant.position);
    if (there.length > 0) return requireSameEvents(there, events);
    const stored = this.#log.insert(conversationId, events, grant.position);
    const state = stateAfter(last);
    if (state) this.turns.end(conversationId, last.turnId, state);
    return stored;
  }

  async read(conversationId: string, from = 1, most?: number): Promise<StoredEvent[]> {
    return this.#log.from(conversationId, from, most);
  }

  async readBefore(conversationId: string, before: number, most: number): Promise<StoredEvent[]> {
    return this.#log.before(conversationId, before, most);
  }

  async conversations(query: ConversationQuery): Promise<ConversationPage> {
    return this.archive.page(query);
  }

  async check(): Promise<{ isReadOnly: boolean }> {
    return { isReadOnly: false };
  }

  async spent(period: Period): Promise<SpentTotals> {
    return this.#log.spent(period);
  }

  async close(): Promise<void> {
    this.#log.close();
  }
}

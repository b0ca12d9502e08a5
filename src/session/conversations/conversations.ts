import type { ChatStore, ConversationOverview, Period } from "../../core/chat-store.js";
import { RequestError } from "../../core/errors.js";
import type { RewindEvent, StoredEvent } from "../../core/events.js";
import { isOfSingleCall, type NewId } from "../../core/ids.js";
import type { LogNode } from "../../core/turn-leases.js";
import { decideFork, decideRewind, type RewindTo } from "./decide-rewind.js";

interface ConversationsParts {
  store: ChatStore;
  /** Returns the hosts that have ended without releasing their turns. */
  lostHosts: () => Promise<LogNode[]>;
  newId: NewId;
}

export interface Conversation extends ConversationOverview {
  /** State of the conversation. It is `unfinished` if a turn waits to be resumed and no living host owns that turn. */
  state: "running" | "unfinished" | "idle";
}

/** All conversations in the log, no matter which host uses them. Every method may reject with RequestError or StoreError. */
export class Conversations {
  readonly #parts: ConversationsParts;

  constructor(parts: ConversationsParts) {
    this.#parts = parts;
  }

  /** Lists conversations, the latest first. With `all`, the list includes conversations that were created for a single API call. */
  async list({ all: isAll = false } = {}): Promise<Conversation[]> {
    const { archive } = this.#parts.store;
    const dead = new Set((await this.#parts.lostHosts()).map(({ nodeId }) => nodeId));
    const states = new Map<string, Conversation["state"]>();
    for (const { conversationId, nodeId } of await archive.unfinished()) {
      const isRunning = nodeId !== undefined && !dead.has(nodeId);
      if (isRunning || !states.has(conversationId)) states.set(conversationId, isRunning ? "running" : "unfinished");
    }
    const all = await archive.overview();
    const listed = isAll ? all : all.filter(({ conversationId }) => !isOfSingleCall(conversationId));
    return listed.map((each) => ({ ...each, state: states.get(each.conversationId) ?? "idle" }));
  }

  /** Returns the stored events with `seq >= from`. Events of turns that were taken back by a rewind are included. */
  async events(conversationId: string, from = 1): Promise<StoredEvent[]> {
    const events = await this.#parts.store.read(conversationId);
    if (events.length === 0) throw notFound(conversationId);
    return events.filter(({ seq }) => seq >= from);
  }

  usage(period: Period): ReturnType<ChatStore["usage"]> {
    return this.#parts.store.usage(period);
  }

  /**
   * Takes turns back. They stay in the log, but the conversation continues without them. Rejects while any host has a running or waiting
   * turn of the conversation.
   */
  async rewind(conversationId: string, to: RewindTo): Promise<RewindEvent> {
    const { store, newId } = this.#parts;
    const turnId = newId("rewind");
    const event = await store.archive.amend(conversationId, (events) => {
      if (events.length === 0) throw notFound(conversationId);
      return decideRewind(events, turnId, to);
    });
    return event as RewindEvent;
  }

  /** Copies turns, always whole ones and with their request ids, into a new conversation. Resolves with the id of the new conversation. */
  async fork(conversationId: string, { to = this.#parts.newId("conv"), toSeq }: { to?: string; toSeq?: number } = {}) {
    const turnId = this.#parts.newId("fork");
    await this.#parts.store.archive.copy(conversationId, to, (events) => {
      if (events.length === 0) throw notFound(conversationId);
      return decideFork(events, { conversationId, turnId, toSeq });
    });
    return to;
  }

  /** Deletes the conversation. Rejects while a living host has a running or waiting turn of this conversation. */
  async delete(conversationId: string): Promise<void> {
    const { turns, archive } = this.#parts.store;
    for (const { nodeId, seenAt } of await this.#parts.lostHosts()) await turns.bury(nodeId, seenAt);
    if (!(await archive.delete(conversationId))) throw notFound(conversationId);
  }

  close(): Promise<void> {
    return this.#parts.store.close();
  }
}

function notFound(conversationId: string): RequestError {
  return new RequestError("not_found", `there is no conversation ${conversationId}`, {
    hint: "mcp-platform sessions list shows all",
  });
}

import type {
  ChatStore,
  ConversationLabel,
  ConversationPage,
  ConversationQuery,
  ConversationSummary,
} from "../../core/chat-store.js";
import type { Cluster } from "../../core/cluster-port.js";
import { RequestError } from "../../core/errors.js";
import type { RewindEvent, StoredEvent } from "../../core/events.js";
import { isOfSingleCall, type NewId, requireOwnId, requireStorable } from "../../core/ids.js";
import type { UsageCounters } from "../../core/usage-store.js";
import { storable } from "../../log/shared/conversation-facts.js";
import { eventPages } from "../shared/event-pages.js";
import { decideFork, decideRewind, type ForkUntil, type RewindTo } from "./decide-rewind.js";
import { type ConversationVersion, versionsFrom } from "./versions.js";

interface ConversationsParts {
  store: ChatStore;
  hosts: Pick<Cluster, "silentHosts" | "lostHosts">;
  newId: NewId;
  /** Returns true if lists show only the titles that were set by hand. Default: they show all. */
  hasOnlyOwnTitles?: () => boolean;
  /** Called with the id of a conversation when lists show something else of it. */
  changed?: (conversationId: string) => void;
}

export interface Conversation extends Omit<ConversationSummary, "state"> {
  /** State of the conversation. It is `unfinished` if a turn waits to be resumed and no living host owns that turn. */
  state: ConversationSummary["state"] | "unfinished";
}

/** Longest title that a person may set, in characters. */
const longestTitle = 200;

/** Number of conversations that are read at once if all of them are wanted. */
const idsAtOnce = 1_000;

/** All conversations in the log, no matter which host uses them. Every method may reject with RequestError or StoreError. */
export class Conversations {
  readonly #parts: ConversationsParts;

  constructor(parts: ConversationsParts) {
    this.#parts = parts;
  }

  /** Returns a page of conversations. */
  page(query: ConversationQuery): Promise<ConversationPage> {
    const { store, hasOnlyOwnTitles } = this.#parts;
    return store.conversations({ ...query, onlyOwnTitles: hasOnlyOwnTitles?.() });
  }

  /** Returns a page of conversations, and which of them wait to be resumed. */
  async list(query: ConversationQuery): Promise<ConversationPage<Conversation>> {
    const { store } = this.#parts;
    const dead = new Set((await this.#parts.hosts.silentHosts()).map(({ nodeId }) => nodeId));
    const states = new Map<string, Conversation["state"]>();
    for (const { conversationId, nodeId } of await store.archive.unfinished()) {
      const isRunning = nodeId !== undefined && !dead.has(nodeId);
      if (isRunning || !states.has(conversationId)) states.set(conversationId, isRunning ? "running" : "unfinished");
    }
    const { conversations, ...page } = await this.page(query);
    return {
      conversations: conversations.map((each) => {
        const state = states.get(each.conversationId) ?? "idle";
        return { ...each, state: state === "running" && each.state === "waiting" ? "waiting" : state };
      }),
      ...page,
    };
  }

  /** Returns what lists show of the conversation. Rejects with `not_found` if it does not exist. */
  async entry(conversationId: string): Promise<ConversationSummary> {
    const [entry] = await this.entries([conversationId]);
    if (!entry) throw notFound(conversationId);
    return entry;
  }

  /** Returns what lists show of those of these conversations that exist, the one that was changed last first. */
  async entries(ids: readonly string[]): Promise<ConversationSummary[]> {
    if (ids.length === 0) return [];
    return (await this.page({ ids, most: ids.length, includesHidden: true })).conversations;
  }

  /** Sets the title and the pin of the conversation and its versions. A title that is empty or null gives back the title that was made. */
  async label(conversationId: string, { title, pinned }: ConversationLabel): Promise<ConversationSummary> {
    const line = typeof title === "string" ? storable(title.replaceAll(/\s+/g, " ").trim()) || null : title;
    if (line && [...line].length > longestTitle) {
      throw new RequestError("usage", `a title has at most ${longestTitle} characters`);
    }
    if (!(await this.#parts.store.archive.label(conversationId, { title: line, pinned })))
      throw notFound(conversationId);
    for (const version of await this.#parts.store.archive.versions(conversationId))
      this.#changed(version.conversationId);
    return this.entry(conversationId);
  }

  /** Returns the versions of the conversation, in the order in which they were made, itself included. Rejects with `not_found`. */
  async versions(conversationId: string): Promise<ConversationVersion[]> {
    const versions = versionsFrom(conversationId, await this.#parts.store.archive.versions(conversationId));
    if (versions.length === 0) throw notFound(conversationId);
    return versions;
  }

  /** Yields the ids of all conversations, also of those that were created for a single API call. */
  async *ids(): AsyncGenerator<string> {
    const { store } = this.#parts;
    for (let after: number | undefined; ; ) {
      const page = await store.conversations({ most: idsAtOnce, after, includesHidden: true });
      for (const { conversationId } of page.conversations) yield conversationId;
      after = page.next;
      if (after === undefined) return;
    }
  }

  /**
   * Returns the stored events with `seq >= from`, but not more than `most`. Default: all events. Events of turns that were taken back by a
   * rewind are included. Rejects with `not_found` if there is no conversation with this id and `from` is 1.
   */
  async read(conversationId: string, from = 1, most?: number): Promise<StoredEvent[]> {
    const events = await this.#parts.store.read(conversationId, from, most);
    if (events.length === 0 && from <= 1) throw notFound(conversationId);
    return events;
  }

  /** Yields the stored events with `seq >= from` in pages. Rejects with `not_found` if there is no conversation with this id. */
  async *pages(conversationId: string, from = 1): AsyncGenerator<StoredEvent[]> {
    if (from > 1) await this.read(conversationId, 1, 1);
    yield* eventPages(this, conversationId, from);
  }

  get usage(): UsageCounters {
    return this.#parts.store.usage;
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
    this.#changed(conversationId);
    return event as RewindEvent;
  }

  /**
   * Copies turns, always whole ones and with their request ids, into a new conversation. Resolves with the id of the new conversation. With
   * `isVersion`, lists show only one of both: see `Archive.copy`.
   */
  async fork(
    conversationId: string,
    { to = this.#parts.newId("conv"), isVersion, ...until }: { to?: string; isVersion?: boolean } & ForkUntil = {},
  ) {
    requireStorable(to, "the id of a conversation");
    if (!isOfSingleCall(conversationId)) requireOwnId(to);
    const turnId = this.#parts.newId("fork");
    const decide = (events: readonly StoredEvent[]) => {
      if (events.length === 0) throw notFound(conversationId);
      return decideFork(events, { conversationId, turnId, until });
    };
    await this.#parts.store.archive.copy(conversationId, to, decide, isVersion);
    this.#changed(to);
    return to;
  }

  /**
   * Deletes the conversation with all its versions. Resolves with their ids. Rejects while a living host has a running or waiting turn of one of
   * them.
   */
  async delete(conversationId: string): Promise<string[]> {
    const { turns, archive } = this.#parts.store;
    const deleted = await archive.delete(conversationId).catch(async (error: unknown) => {
      if (!(error instanceof RequestError && error.kind === "busy")) throw error;
      for (const { nodeId, seenAt } of await this.#parts.hosts.lostHosts()) await turns.bury(nodeId, seenAt);
      return archive.delete(conversationId).catch((again: unknown) => this.#named(conversationId, again));
    });
    if (deleted.length === 0) throw notFound(conversationId);
    for (const id of deleted) this.#changed(id);
    return deleted;
  }

  /** Throws the error. If it is a refusal and the conversation has a title, names the conversation by it. */
  async #named(conversationId: string, error: unknown): Promise<never> {
    const [entry] = await this.entries([conversationId]);
    if (!(error instanceof RequestError && error.kind === "busy" && entry?.title)) throw error;
    const message = `“${entry.title}” is not deleted: one of its turns is running or waiting`;
    throw new RequestError("busy", message, { hint: error.hint, cause: error });
  }

  #changed(conversationId: string): void {
    this.#parts.changed?.(conversationId);
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

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Api, ApiFailure } from "./host-client.js";
import type { ConversationEntry, ListMessage } from "./host-messages.js";
import type { Follower } from "./socket.js";

/** Number of conversations in a page. A page fills more than a screen but is small enough to be drawn at once. */
const pageSize = 100;
/** The host sends no more conversations at once. */
const mostInPage = 1_000;
/** Time in which a deletion can be undone, in ms. */
const undoMs = 8_000;

/** The conversations of the host: the pinned ones, and the latest ones page by page. The host sends every change of them. */
export class ConversationList implements Follower<ListMessage> {
  readonly #known = signal<readonly ConversationEntry[] | undefined>(undefined);
  readonly #leaving = signal<ReadonlySet<string>>(new Set());
  readonly #deleted = signal<ConversationEntry | undefined>(undefined);
  readonly #next = signal<string | null>(null);
  /** Conversations that the list shows, latest first. Undefined until the host has answered. */
  readonly entries: ReadonlySignal<readonly ConversationEntry[] | undefined>;
  /** True if the host has older conversations. */
  readonly hasMore = computed(() => this.#next.value !== null);
  /** The conversation whose deletion can be undone. */
  readonly deleted: ReadonlySignal<ConversationEntry | undefined> = this.#deleted;
  /** Says which action was refused, and why. */
  readonly failure: Signal<string | undefined> = signal(undefined);
  readonly #api: Api;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #loads = 0;

  constructor(api: Api) {
    this.#api = api;
    this.entries = computed(() => this.#known.value?.filter((entry) => !this.isLeaving(entry)));
    window.addEventListener("pagehide", () => void this.#finishDeletion({ keepalive: true }));
  }

  find(conversationId: string): ConversationEntry | undefined {
    return this.#known.value?.find(({ conversation_id: id }) => id === conversationId);
  }

  /** True if the page has removed the conversation and the host has not yet. */
  isLeaving({ conversation_id: id }: ConversationEntry): boolean {
    return this.#leaving.value.has(id);
  }

  /** Called each time that the page has connected to the host. */
  begin(): object {
    void this.#load();
    return { action: "watch_sessions" };
  }

  take(message: ListMessage): void {
    if (message.status !== "chunk") return;
    const { chunk } = message;
    if (chunk.type === "session_deleted") this.#remove(chunk.data.conversation_id);
    else this.#put(chunk.data);
  }

  async loadMore(): Promise<void> {
    await this.#attempt("Older conversations could not be loaded", async () => {
      const page = await this.#api.conversations({ before: this.#next.value, limit: pageSize });
      this.#known.value = inOrder([...(this.#known.value ?? []), ...page.sessions]);
      this.#next.value = page.next;
    });
  }

  async change(entry: ConversationEntry, change: { title?: string | null; pinned?: boolean }): Promise<void> {
    await this.#attempt(`${quoted(entry)} was not changed`, async () => {
      this.#put(await this.#api.changeConversation(entry.conversation_id, change));
    });
  }

  /** Runs an action that concerns the conversation. If the host refuses it, `failure` says so with the given words. */
  async act(entry: ConversationEntry, refused: string, work: () => Promise<unknown>): Promise<void> {
    await this.#attempt(`${quoted(entry)} ${refused}`, work);
  }

  /** Removes the conversation from the list. The host deletes it after some seconds, or when the page is left, unless that is undone. */
  delete(entry: ConversationEntry): void {
    void this.#finishDeletion();
    this.failure.value = undefined;
    this.#deleted.value = entry;
    this.#leaving.value = new Set([...this.#leaving.value, entry.conversation_id]);
    this.#timer = setTimeout(() => void this.#finishDeletion(), undoMs);
  }

  undoDeletion(): void {
    clearTimeout(this.#timer);
    if (this.#deleted.value) this.#keep(this.#deleted.value);
    this.#deleted.value = undefined;
  }

  async #finishDeletion(options = { keepalive: false }): Promise<void> {
    clearTimeout(this.#timer);
    const entry = this.#deleted.value;
    if (!entry) return;
    this.#deleted.value = undefined;
    try {
      await this.#api.deleteConversation(entry.conversation_id, options);
      this.#remove(entry.conversation_id);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      const why = error.kind === "busy" ? "its turn has not ended. Cancel it first." : error.message;
      if (error.status !== 404) this.failure.value = `${quoted(entry)} was not deleted: ${why}`;
    }
    this.#keep(entry);
  }

  #keep({ conversation_id: kept }: ConversationEntry): void {
    this.#leaving.value = new Set([...this.#leaving.value].filter((id) => id !== kept));
  }

  async #load(): Promise<void> {
    const load = ++this.#loads;
    await this.#attempt("The conversations could not be loaded", async () => {
      const limit = Math.min(Math.max(pageSize, this.#known.value?.length ?? 0), mostInPage);
      const [pinned, latest] = await Promise.all([
        this.#api.conversations({ pinned: true, limit: pageSize }),
        this.#api.conversations({ limit }),
      ]);
      if (load !== this.#loads) return;
      this.#known.value = inOrder([...latest.sessions, ...pinned.sessions.filter((entry) => entry.pinned)]);
      this.#next.value = latest.next;
    });
  }

  #put(entry: ConversationEntry): void {
    const known = this.#known.value;
    if (!known) return;
    const family = familyOf(entry);
    const others = known.filter((each) => familyOf(each) !== family);
    this.#known.value = inOrder([entry, ...others]);
  }

  #remove(conversationId: string): void {
    this.#known.value = this.#known.value?.filter(({ conversation_id: id }) => id !== conversationId);
  }

  async #attempt(failed: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.failure.value = undefined;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (error.status !== 401) this.failure.value = `${failed}: ${error.message}`;
    }
  }
}

/** Returns the conversations latest first, each once. */
function inOrder(entries: readonly ConversationEntry[]): ConversationEntry[] {
  const byId = new Map(entries.map((entry) => [entry.conversation_id, entry]));
  return [...byId.values()].sort((one, other) => other.updated_at - one.updated_at);
}

/** Versions of one conversation have the same family, of which the list shows the version that changed last. */
function familyOf({ conversation_id, version_of }: ConversationEntry): string {
  return version_of ?? conversation_id;
}

function quoted({ title }: ConversationEntry): string {
  return `“${title.slice(0, 60) || "(no text)"}”`;
}

/**
 * How long a server said that its answers hold: `ttlMs`, which servers before 2026-07-28 do not send.
 * https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */
import type { ContentPart } from "../core/chat.js";
import type { Json } from "./json.js";

const longestMs = 86_400_000;
/** Lists are not read more often than this, whatever their servers say. */
const shortestListMs = 1000;
/** After lists that could not be read. */
const againMs = 30_000;
const maxResources = 100;
/** Of JSON. */
const maxChars = 8 * 1024 * 1024;

/** Milliseconds; 0 where the server did not say, or said it wrongly. */
export function freshMs({ ttlMs }: Json): number {
  return typeof ttlMs === "number" && ttlMs > 0 ? Math.min(ttlMs, longestMs) : 0;
}

/**
 * When the lists of a server are to be read again. A server that says nothing of it tells its changes, or has none: they do not get
 * stale. Lists are read whole, so that the page that holds shortest counts for all.
 */
export class ListAge {
  #staleAt = Number.POSITIVE_INFINITY;

  get isStale(): boolean {
    return performance.now() >= this.#staleAt;
  }

  /** Runs the reading, which shows it every page. Until that is over, nothing is stale. */
  async during<T>(read: (saw: (page: Json) => void) => Promise<T>): Promise<T> {
    let soonestMs = againMs;
    this.#staleAt = Number.POSITIVE_INFINITY;
    try {
      const pages: number[] = [];
      const lists = await read((page) => pages.push(freshMs(page) || Number.POSITIVE_INFINITY));
      soonestMs = Math.min(...pages);
      return lists;
    } finally {
      this.#staleAt = performance.now() + Math.max(shortestListMs, soonestMs);
    }
  }
}

/**
 * Contents of resources while they are fresh. Of one connection, which has one authorization, so that what is `private` may be here
 * too. The SDK's own cache is of its `readResource`, which refuses contents that we can use (client 2.4.0).
 */
export class FreshResources {
  readonly #kept = new Map<string, { content: ContentPart[]; chars: number; staleAt: number }>();
  #chars = 0;
  #changes = 0;

  /** From memory, or by `read` and then kept for as long as the server said, unless a change was told meanwhile. */
  async get(uri: string, read: () => Promise<{ content: ContentPart[]; result: Json }>): Promise<ContentPart[]> {
    const kept = this.#kept.get(uri);
    if (kept && performance.now() < kept.staleAt) return kept.content;
    this.#remove(uri);
    const changes = this.#changes;
    const { content, result } = await read();
    const ms = freshMs(result);
    if (ms > 0 && changes === this.#changes) this.#keep(uri, content, ms);
    return content;
  }

  changed(uri: string): void {
    this.#changes += 1;
    this.#remove(uri);
  }

  allChanged(): void {
    this.#changes += 1;
    this.#kept.clear();
    this.#chars = 0;
  }

  /** What was kept first goes first. */
  #keep(uri: string, content: ContentPart[], ms: number): void {
    const chars = JSON.stringify(content).length;
    if (chars > maxChars) return;
    this.#remove(uri);
    this.#kept.set(uri, { content, chars, staleAt: performance.now() + ms });
    this.#chars += chars;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxResources && this.#chars <= maxChars) break;
      this.#remove(oldest);
    }
  }

  #remove(uri: string): void {
    this.#chars -= this.#kept.get(uri)?.chars ?? 0;
    this.#kept.delete(uri);
  }
}

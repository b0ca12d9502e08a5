/**
 * How long a server's answers hold: `ttlMs`, which servers before 2026-07-28 do not send.
 * https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */
import type { ContentPart } from "../core/chat.js";
import type { Json } from "./json.js";

const longestMs = 86_400_000;
/** Shortest time between two reads of lists, whatever their servers say. */
const shortestListMs = 1000;
/** Time until lists are read again after a failure. */
const againMs = 30_000;
const maxResources = 100;
/** Characters of JSON. */
const maxChars = 8 * 1024 * 1024;

/** Returns how long the result holds, in ms; 0 if the server did not say, or said it wrongly. */
export function freshMs({ ttlMs }: Json): number {
  return typeof ttlMs === "number" && ttlMs > 0 ? Math.min(ttlMs, longestMs) : 0;
}

/**
 * The time at which a server's lists must be read again. Without a `ttlMs` they do not become stale: the server announces changes, or has
 * none. Lists are read whole, so the page that holds shortest counts for all.
 */
export class ListAge {
  #staleAt = Number.POSITIVE_INFINITY;

  get isStale(): boolean {
    return performance.now() >= this.#staleAt;
  }

  /** Runs `read`, which reports every page. Until it ends, nothing is stale. */
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
 * Contents of resources while they are fresh. Belongs to one connection, and so to one authorization: it may hold `private` contents too.
 * The SDK's own cache covers only its `readResource`, which refuses contents that this host can use (client 2.4.0).
 */
export class FreshResources {
  readonly #kept = new Map<string, { content: ContentPart[]; chars: number; staleAt: number }>();
  #chars = 0;
  #changes = 0;

  /** Returns the content from memory or from `read`. Keeps it for as long as the server said, unless a change was announced meanwhile. */
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

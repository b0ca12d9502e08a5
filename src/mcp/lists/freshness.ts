/**
 * The time for which a server's answers stay fresh (`ttlMs`). Only servers of protocol 2026-07-28 and later send `ttlMs`.
 * https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */

import type { JsonObject } from "../../core/json.js";
import { smallest } from "../../core/lists/long-lists.js";
import type { ContentPart } from "../../core/messages.js";

const longestMs = 86_400_000;
/** Shortest time between two reads of a server's lists, in ms. It applies even if the server sends a shorter `ttlMs`. */
const shortestListMs = 1000;
/** Time in ms from a failed read of the lists to the next read. */
const againMs = 30_000;
const maxResources = 100;
/** Maximum size of all cached contents together, in characters of JSON. */
const maxChars = 8 * 1024 * 1024;

/** Returns how long the result stays fresh, in ms. Returns 0 if its `ttlMs` is missing or invalid. */
export function freshMs({ ttlMs }: JsonObject): number {
  return typeof ttlMs === "number" && ttlMs > 0 ? Math.min(ttlMs, longestMs) : 0;
}

/**
 * The age of a server's lists: tells whether they must be read again. Lists without a `ttlMs` never become stale, because the server
 * announces its changes or has none. All lists are read together, so the shortest `ttlMs` of any page counts.
 */
export class ListAge {
  #staleAt = Number.POSITIVE_INFINITY;

  get isStale(): boolean {
    return performance.now() >= this.#staleAt;
  }

  /** Runs `read` and takes the `ttlMs` from each page that `read` reports. While `read` runs, the lists do not count as stale. */
  async during<T>(read: (saw: (page: JsonObject) => void) => Promise<T>): Promise<T> {
    let soonestMs = againMs;
    this.#staleAt = Number.POSITIVE_INFINITY;
    try {
      const pages: number[] = [];
      const lists = await read((page) => pages.push(freshMs(page) || Number.POSITIVE_INFINITY));
      soonestMs = smallest(pages);
      return lists;
    } finally {
      this.#staleAt = performance.now() + Math.max(shortestListMs, soonestMs);
    }
  }
}

/**
 * A cache of resource contents while the contents are fresh. The cache belongs to one connection and so to one authorization, so it may
 * hold `private` contents. The SDK's client (2.4.0) has a cache too, but only for its own `readResource`, which refuses some contents that
 * this host can use.
 */
export class FreshResources {
  readonly #cached = new Map<string, { content: ContentPart[]; chars: number; staleAt: number }>();
  #chars = 0;
  #changes = 0;

  /**
   * Resolves with the content from the cache, or else from `read`. New content is cached for its `ttlMs`, unless a change of the resource
   * was announced during `read`.
   */
  async get(uri: string, read: () => Promise<{ content: ContentPart[]; result: JsonObject }>): Promise<ContentPart[]> {
    const cached = this.#cached.get(uri);
    if (cached && performance.now() < cached.staleAt) return cached.content;
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
    this.#cached.clear();
    this.#chars = 0;
  }

  #keep(uri: string, content: ContentPart[], ms: number): void {
    const chars = JSON.stringify(content).length;
    if (chars > maxChars) return;
    this.#remove(uri);
    this.#cached.set(uri, { content, chars, staleAt: performance.now() + ms });
    this.#chars += chars;
    for (const oldest of this.#cached.keys()) {
      if (this.#cached.size <= maxResources && this.#chars <= maxChars) break;
      this.#remove(oldest);
    }
  }

  #remove(uri: string): void {
    this.#chars -= this.#cached.get(uri)?.chars ?? 0;
    this.#cached.delete(uri);
  }
}

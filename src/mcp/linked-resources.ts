import type { ContentPart } from "../core/chat.js";

const maxLinked = 1000;

/** Resources that the results of a server's tools have pointed to: they can be read, although the server need not list them. */
export class LinkedResources {
  readonly #uris = new Set<string>();
  readonly #isFirst: () => void;

  /** `isFirst`: there was none before. */
  constructor(isFirst: () => void) {
    this.#isFirst = isFirst;
  }

  get isEmpty(): boolean {
    return this.#uris.size === 0;
  }

  /** Oldest first. */
  get uris(): ReadonlySet<string> {
    return this.#uris;
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  /** Of too many the oldest are forgotten. */
  add(content: readonly ContentPart[]): void {
    const wasEmpty = this.isEmpty;
    for (const part of content) {
      if (part.type !== "resource_link") continue;
      this.#uris.delete(part.uri);
      this.#uris.add(part.uri);
    }
    for (const oldest of this.#uris) {
      if (this.#uris.size <= maxLinked) break;
      this.#uris.delete(oldest);
    }
    if (wasEmpty && !this.isEmpty) this.#isFirst();
  }
}

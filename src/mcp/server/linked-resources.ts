import type { ContentPart } from "../../core/messages.js";

const maxLinked = 1000;

/**
 * Addresses to which a server's tool results have linked. A resource at such an address can be read even if the server does not list it.
 */
export class LinkedResources {
  readonly #uris = new Set<string>();
  readonly #onFirstLink: () => void;
  #links = 0;

  /** `onFirstLink` is called when the set of addresses is no longer empty. */
  constructor(onFirstLink: () => void) {
    this.#onFirstLink = onFirstLink;
  }

  get isEmpty(): boolean {
    return this.#uris.size === 0;
  }

  /** The addresses, in the order of their latest links. The address with the oldest link comes first. */
  get uris(): ReadonlySet<string> {
    return this.#uris;
  }

  /** Number of links so far. The addresses are the same as long as this number is the same. */
  get links(): number {
    return this.#links;
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  /** Adds the links in this content. Beyond the maximum, drops the addresses with the oldest links. */
  add(content: readonly ContentPart[]): void {
    const wasEmpty = this.isEmpty;
    for (const part of content) {
      if (part.type !== "resource_link") continue;
      this.#links += 1;
      this.#uris.delete(part.uri);
      this.#uris.add(part.uri);
    }
    for (const oldest of this.#uris) {
      if (this.#uris.size <= maxLinked) break;
      this.#uris.delete(oldest);
    }
    if (wasEmpty && !this.isEmpty) this.#onFirstLink();
  }
}

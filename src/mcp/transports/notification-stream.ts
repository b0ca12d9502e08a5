import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { atMost } from "../wait.js";

const opensWithinMs = 1500;

/**
 * The GET that carries what a Streamable HTTP server sends of its own accord. The SDK does not wait for it, and what a server asks
 * before it is open is lost (typescript-sdk#1167).
 */
export class NotificationStream {
  readonly #fetch: FetchLike;
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  #waited: Promise<void> | undefined;

  constructor(fetch: FetchLike) {
    this.#fetch = fetch;
  }

  /** With any answer: a server that offers no stream says so with 405. Some servers never get asked for it. */
  opened(): Promise<void> {
    this.#waited ??= atMost(this.#opened, opensWithinMs);
    return this.#waited;
  }

  readonly fetch: FetchLike = async (url, init) => {
    try {
      return await this.#fetch(url, init);
    } finally {
      if (isStream(init)) this.#open();
    }
  };
}

function isStream({ method = "GET", headers }: RequestInit = {}): boolean {
  return method === "GET" && new Headers(headers).get("accept") === "text/event-stream";
}

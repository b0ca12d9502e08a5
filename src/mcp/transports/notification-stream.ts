import { setTimeout as sleep } from "node:timers/promises";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { atMost } from "../wait.js";

const opensWithinMs = 1500;
/** A stream that held for less is one more failure in a row. */
const stableMs = 10_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;
const maxTries = 5;

/**
 * The GET that carries what a Streamable HTTP server sends of its own accord. The SDK does not wait for it, and what a server asks
 * before it is open is lost (typescript-sdk#1167); it gives up when the first one fails with 5xx, and asks a server that accepts
 * and cuts for ever at the same pace (typescript-sdk#2098).
 */
export class NotificationStream {
  readonly #send: FetchLike;
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  #waited: Promise<void> | undefined;
  #openedAt: number | undefined;
  #cuts = 0;

  constructor(send: FetchLike) {
    this.#send = send;
  }

  /** With any answer: a server that offers no stream says so with 405. Some servers never get asked for it. */
  opened(): Promise<void> {
    this.#waited ??= atMost(this.#opened, opensWithinMs);
    return this.#waited;
  }

  readonly fetch: FetchLike = (url, init) => (isStream(init) ? this.#get(url, init) : this.#send(url, init));

  /** The first cut is followed at once, by the SDK's own pace; the next ones ever more slowly. */
  async #get(url: string | URL, init?: RequestInit): Promise<Response> {
    const signal = init?.signal ?? undefined;
    const isShort = this.#openedAt !== undefined && performance.now() - this.#openedAt < stableMs;
    this.#cuts = isShort ? this.#cuts + 1 : 0;
    if (this.#cuts > 1) await sleep(pauseMs(this.#cuts - 2), undefined, { signal });
    for (let tries = 1; ; tries += 1) {
      try {
        const response = await this.#send(url, init);
        if (response.ok) this.#openedAt = performance.now();
        if (response.status < 500 || tries === maxTries) return response;
        await response.body?.cancel();
      } finally {
        this.#open();
      }
      await sleep(pauseMs(tries - 1), undefined, { signal });
    }
  }
}

function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
}

function isStream({ method = "GET", headers }: RequestInit = {}): boolean {
  return method === "GET" && new Headers(headers).get("accept") === "text/event-stream";
}

import { setTimeout as sleep } from "node:timers/promises";
import { atMost } from "../wait.js";
import { discard, type Exchange, type HttpAnswer, type HttpRequest, isOk } from "./exchange.js";

const opensWithinMs = 1500;
/** A stream that held for less counts as another failure in a row. */
const stableMs = 10_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;
const maxTries = 5;

/**
 * The GET for messages that a Streamable HTTP server sends unprompted. Requests of the server before it is open are lost
 * (typescript-sdk#1167). Retries after 5xx, and with growing pauses if the server accepts and cuts.
 */
export class NotificationStream {
  readonly #send: Exchange;
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  #waited: Promise<void> | undefined;
  #isDone = false;
  #openedAt: number | undefined;
  #cuts = 0;

  constructor(send: Exchange) {
    this.#send = send;
  }

  /**
   * Waits for any answer to the GET: a server without such a stream says 405. The wait is bounded, because some servers never get the GET.
   * Returns undefined after that.
   */
  opened(): Promise<void> | undefined {
    if (this.#isDone) return undefined;
    this.#waited ??= atMost(this.#opened, opensWithinMs).then(() => {
      this.#isDone = true;
    });
    return this.#waited;
  }

  /** Sends the GET. The caller paces the retry after the first cut; after later cuts this waits ever longer. `signal` ends the waits. */
  async ask(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const isShort = this.#openedAt !== undefined && performance.now() - this.#openedAt < stableMs;
    this.#cuts = isShort ? this.#cuts + 1 : 0;
    if (this.#cuts > 1) await sleep(pauseMs(this.#cuts - 2), undefined, { signal });
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await this.#send(request);
        if (isOk(answer)) this.#openedAt = performance.now();
        if (answer.status < 500 || tries === maxTries) return answer;
        discard(answer);
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

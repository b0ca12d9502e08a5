import { setTimeout as sleep } from "node:timers/promises";
import { discard, type HttpAnswer, type HttpRequest, isOk, type SendRequest } from "../http/exchange.js";
import { atMost } from "../shared/wait.js";

const opensWithinMs = 1500;
/** A stream that stayed open for less than this counts as another failure in a row. */
const stableMs = 10_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;
const maxTries = 5;

/**
 * The stream for messages that a Streamable HTTP server sends unprompted; the host opens it with a GET. Requests that the server sends
 * before the stream is open are lost (typescript-sdk#1167). The GET is repeated after a status of 5xx. If the server accepts the GET but
 * soon cuts the stream, the GET is repeated with growing pauses.
 */
export class NotificationStream {
  readonly #send: SendRequest;
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  #waited: Promise<void> | undefined;
  #isDone = false;
  #openedAt: number | undefined;
  #cuts = 0;

  constructor(send: SendRequest) {
    this.#send = send;
  }

  /**
   * Waits until the GET has been answered in any way; a server without such a stream answers 405. The wait is bounded, because to some
   * servers the GET is never sent. Returns undefined if the wait is already over.
   */
  opened(): Promise<void> | undefined {
    if (this.#isDone) return undefined;
    this.#waited ??= atMost(this.#opened, opensWithinMs).then(() => {
      this.#isDone = true;
    });
    return this.#waited;
  }

  /**
   * Sends the GET. After the first cut of the stream, the caller waits before the retry; after later cuts in a row, this method waits too,
   * each time longer. `signal` ends the waits.
   */
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

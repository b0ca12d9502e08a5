import { setTimeout as sleep } from "node:timers/promises";
import { discard, type HttpAnswer, type HttpRequest, isOk, type SendRequest } from "../http/http-request.js";
import { atMost } from "../shared/wait.js";

const opensWithinMs = 1500;
/** Time in ms. If a stream was open for less time, its end counts as another failure in a row. */
const stableMs = 10_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;
const maxTries = 5;

/**
 * The stream on which a Streamable HTTP server sends messages without being asked. The host opens it with a GET. Requests that the server
 * sends before the stream is open are lost (typescript-sdk#1167). The GET is repeated after a status of 5xx. It is also repeated, with
 * growing pauses, if the server soon ends the stream.
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
   * Waits until the GET has been answered in any way; a server without this stream answers 405. The wait has a limit, because the GET is
   * not sent to every server. Returns undefined if the wait is already over.
   */
  opened(): Promise<void> | undefined {
    if (this.#isDone) return undefined;
    this.#waited ??= atMost(this.#opened, opensWithinMs).then(() => {
      this.#isDone = true;
    });
    return this.#waited;
  }

  /**
   * Sends the GET. Before it reopens a stream, the caller has already paused once. If the stream ends early several times in a row, this
   * method pauses too, longer each time. The pauses end when `signal` aborts.
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

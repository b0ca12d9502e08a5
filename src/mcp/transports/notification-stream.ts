import { setTimeout as sleep } from "node:timers/promises";
import { atMost } from "../wait.js";
import { discard, type Exchange, type HttpAnswer, type HttpRequest, isOk } from "./exchange.js";

const opensWithinMs = 1500;
/** A stream that held for less is one more failure in a row. */
const stableMs = 10_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;
const maxTries = 5;

/**
 * The GET that carries what a Streamable HTTP server sends of its own accord. What a server asks before it is open is lost
 * (typescript-sdk#1167). A server that answers with 5xx is asked again, and one that accepts and cuts ever more slowly.
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

  /** With any answer: a server that offers no stream says so with 405. Some servers never get asked for it. Undefined once it is. */
  opened(): Promise<void> | undefined {
    if (this.#isDone) return undefined;
    this.#waited ??= atMost(this.#opened, opensWithinMs).then(() => {
      this.#isDone = true;
    });
    return this.#waited;
  }

  /** The first cut is followed at once, by the pace of who asks; the next ones ever more slowly. `signal` ends the pauses. */
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

/** Event streams that end early are opened again, and continue after the last event that arrived. */

import { setTimeout as sleep } from "node:timers/promises";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../core/errors.js";
import { jsonProblem, parseJson } from "../../core/json.js";
import { HttpError, NotificationsLost } from "../http/http-error.js";
import { discard, type HttpAnswer, isOk } from "../http/http-request.js";
import { TooLong } from "../http/message-limits.js";
import { readEvents } from "../http/read-event-stream.js";
import { unfollowed } from "../http/redirects.js";
import { lostAnswer } from "../shared/request-failures.js";
import { isAnswer } from "./deliveries.js";

const firstPauseMs = 1000;
const longestPauseMs = 30_000;
const maxRetries = 5;
/** Time in ms that a server has to end a stream after the answer. Without a limit, each call could leave a connection open. */
const endsWithinMs = 5000;

interface Stream {
  /** Id of the request whose answer comes on the stream. Undefined for the notification stream. */
  id?: RequestId;
  lastEventId?: string;
  signals: readonly AbortSignal[];
  ended?: (() => void) | undefined;
}

interface StreamParts {
  ask(headers: Record<string, string>, signals: readonly AbortSignal[]): Promise<HttpAnswer>;
  /** Called with the parsed content of an event, which may be any JSON value, and with the `id` of its stream. */
  came(parsed: unknown, streamOf: RequestId | undefined): void;
  failed(error: Error): void;
  /** When this signal aborts, all streams end, and so do the pauses before they are opened again. */
  signal: AbortSignal;
}

export class ResumableStreams {
  readonly #url: URL;
  readonly #parts: StreamParts;
  #retryMs: number | undefined;

  constructor(url: URL, parts: StreamParts) {
    this.#url = url;
    this.#parts = parts;
  }

  /** Opens a stream, or reopens it for the rest of its events. If the stream cannot be opened, calls `failed` and rejects. */
  async open(stream: Stream): Promise<void> {
    const { lastEventId, signals } = stream;
    try {
      const headers = { accept: "text/event-stream", ...(lastEventId && { "last-event-id": lastEventId }) };
      const answer = await this.#parts.ask(headers, signals);
      if (isOk(answer)) return this.read(answer, stream);
      discard(answer);
      const { status, statusText } = answer;
      // The server has no such stream. A missing notification stream is not an error. If the missing stream is that of a request, the
      // request will get no answer.
      if (status === 405) return this.#lose(stream);
      throw new HttpError(status, `Failed to open SSE stream: ${unfollowed(answer, this.#url) ?? statusText}`);
    } catch (error) {
      if (!isOver(stream)) this.#parts.failed(error as Error);
      throw error;
    }
  }

  read({ body }: HttpAnswer, { id, lastEventId, signals, ended }: Stream): void {
    const stream: Stream = { id, lastEventId, signals, ended };
    let isAnswered = false;
    let ending: NodeJS.Timeout | undefined;
    const answered = () => {
      isAnswered = true;
      ending ??= setTimeout(() => {
        body.destroy();
        ended?.();
      }, endsWithinMs).unref();
    };
    readEvents(body, {
      event: ({ id: eventId, event, data }) => {
        if (eventId) stream.lastEventId = eventId;
        if (!data || (event && event !== "message")) return;
        const message = parseJson(data);
        if (message === undefined) {
          this.#parts.failed(new SyntaxError(jsonProblem(data)));
          return;
        }
        if (id !== undefined && isAnswer(message, id)) answered();
        this.#parts.came(message, id);
      },
      retry: (ms) => {
        this.#retryMs = ms;
      },
      ended: (error) => {
        clearTimeout(ending);
        if (isOver(stream)) return;
        const hasRest = stream.lastEventId !== undefined && !(error instanceof TooLong);
        const canContinue = !isAnswered && (id === undefined || hasRest);
        if (error) this.#parts.failed(new Error(`SSE stream disconnected: ${error}`));
        if (canContinue) void this.#reopen(stream);
        else if (isAnswered) ended?.();
        else this.#lose(stream);
      },
    });
  }

  /**
   * Delivers an error to a request whose stream ended without the answer. Without the error, the request would wait for its timeout
   * (typescript-sdk#2739).
   */
  #lose({ id, ended }: Stream): void {
    if (id === undefined) return;
    this.#parts.came({ jsonrpc: "2.0", id, error: lostAnswer }, id);
    ended?.();
  }

  /** Reopens a stream that has ended, to get the rest of its events. The pauses grow with each failure. */
  async #reopen(stream: Stream): Promise<void> {
    for (let attempt = 0; attempt < maxRetries; attempt += 1) {
      const pauseMs = this.#retryMs ?? Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
      await sleep(pauseMs, undefined, { signal: this.#parts.signal }).catch(() => {});
      if (isOver(stream)) return;
      try {
        return await this.open(stream);
      } catch (error) {
        if (isOver(stream)) return;
        this.#parts.failed(new Error(`Failed to reconnect SSE stream: ${messageOf(error)}`));
      }
    }
    // The loss of the notification stream ends the connection. The loss of any other stream only fails the stream's request.
    if (stream.id === undefined) {
      const message = `its notifications have ended, and ${maxRetries} attempts to open their stream again failed`;
      this.#parts.failed(new NotificationsLost(message));
    } else this.#lose(stream);
  }
}

function isOver({ signals }: Stream): boolean {
  return signals.some(({ aborted }) => aborted);
}

/** The stream on which a server of protocol 2026-07-28 announces its changes (`subscriptions/listen`). */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { type Client, ProtocolError } from "@modelcontextprotocol/client";

const firstPauseMs = 1000;
const longestPauseMs = 60_000;
const methodNotFound = -32601;

type Filter = Parameters<Client["listen"]>[0];
type ListenSubscription = Awaited<ReturnType<Client["listen"]>>;

interface ChangeStreamParts {
  signal: AbortSignal;
  failed(error: Error): void;
  /** Called when the stream is open again after an interruption. Changes that happened during the interruption were missed. */
  resumed(): void;
}

export class ChangeStream {
  readonly #client: Pick<Client, "listen">;
  readonly #parts: ChangeStreamParts;
  #wanted: Filter = {};
  /** The filter that the server accepted last. It counts again when the server refuses a wider one. */
  #taken: Filter = {};
  #isRunning = false;
  #changed: () => void = () => {};
  #change: Promise<void> = Promise.resolve();

  constructor(client: Pick<Client, "listen">, parts: ChangeStreamParts) {
    this.#client = client;
    this.#parts = parts;
  }

  /**
   * Subscribes to more changes. Opens a new stream for all changes so far and the new ones, and only then closes the old stream, so that no
   * change is missed.
   */
  follow(more: Filter): void {
    const uris = [...(this.#wanted.resourceSubscriptions ?? []), ...(more.resourceSubscriptions ?? [])];
    const resources = uris.length > 0 && { resourceSubscriptions: uris };
    this.#wanted = { ...this.#wanted, ...more, ...resources };
    this.#changed();
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Ends the subscription to changes of the resource. If nothing else is wanted, the stream is closed. */
  unfollow(uri: string): void {
    const { resourceSubscriptions = [], ...others } = this.#wanted;
    const uris = resourceSubscriptions.filter((wanted) => wanted !== uri);
    this.#wanted = { ...others, ...(uris.length > 0 && { resourceSubscriptions: uris }) };
    this.#changed();
  }

  get #isWanted(): boolean {
    return Object.keys(this.#wanted).length > 0;
  }

  /**
   * Opens the stream, and opens a new one whenever the stream ends. If streams end soon, the pauses between them grow. Resolves when this
   * host has closed the stream, nothing is wanted any more, or the server does not support it.
   */
  async #run(): Promise<void> {
    const { signal, failed, resumed } = this.#parts;
    let open: ListenSubscription | undefined;
    let wasCut = false;
    let pauseMs = firstPauseMs;
    while (!signal.aborted && this.#isWanted) {
      try {
        const next = await this.#listen();
        void open?.close();
        open = next;
        if (wasCut) resumed();
        const openedAt = performance.now();
        const end = await Promise.race([open.closed, this.#change]);
        if (end === "local") return;
        wasCut = end !== undefined;
        if (!wasCut) continue;
        if (performance.now() - openedAt > longestPauseMs) pauseMs = firstPauseMs;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ProtocolError) this.#wanted = open ? this.#taken : withoutResources(this.#wanted);
        failed(error as Error);
        if (error instanceof ProtocolError && error.code === methodNotFound) return;
        wasCut = true;
      }
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    }
    if (!signal.aborted) void open?.close();
    this.#isRunning = false;
  }

  /**
   * Opens a stream for all changes that are wanted. Waits for the next turn of the event loop first, because `follow` and `unfollow` are
   * often called several times in a row.
   */
  async #listen(): Promise<ListenSubscription> {
    await setImmediate();
    const filter = this.#wanted;
    this.#change = new Promise((resolve) => {
      this.#changed = resolve;
    });
    const subscription = await this.#client.listen(filter, { signal: this.#parts.signal });
    this.#taken = filter;
    return subscription;
  }
}

function withoutResources({ resourceSubscriptions: _, ...others }: Filter): Filter {
  return others;
}

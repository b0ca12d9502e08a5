/** Changes that a server of 2026-07-28 tells, all of them on one stream: `subscriptions/listen`. */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { type Client, ProtocolError } from "@modelcontextprotocol/client";

const firstPauseMs = 1000;
const longestPauseMs = 60_000;
const methodNotFound = -32601;

type Filter = Parameters<Client["listen"]>[0];
type Subscription = Awaited<ReturnType<Client["listen"]>>;

interface ChangeStreamParts {
  /** Ends it. */
  signal: AbortSignal;
  failed(error: Error): void;
  /** The stream is open again: what changed in between was not told. */
  resumed(): void;
}

export class ChangeStream {
  readonly #client: Pick<Client, "listen">;
  readonly #parts: ChangeStreamParts;
  #wanted: Filter = {};
  /** What the server took last. */
  #taken: Filter = {};
  #isRunning = false;
  #widen: () => void = () => {};
  #widened: Promise<void> = Promise.resolve();

  constructor(client: Pick<Client, "listen">, parts: ChangeStreamParts) {
    this.#client = client;
    this.#parts = parts;
  }

  /** Asks for these changes too. The stream for all of them is open before the one without them is closed: none is missed. */
  follow(more: Filter): void {
    const uris = [...(this.#wanted.resourceSubscriptions ?? []), ...(more.resourceSubscriptions ?? [])];
    const resources = uris.length > 0 && { resourceSubscriptions: uris };
    this.#wanted = { ...this.#wanted, ...more, ...resources };
    this.#widen();
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Opens the stream again whenever it ends, ever more patiently while it does not hold. Resolves when that is of no use. */
  async #run(): Promise<void> {
    const { signal, failed, resumed } = this.#parts;
    let open: Subscription | undefined;
    let wasCut = false;
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      try {
        const wider = await this.#listen();
        void open?.close();
        open = wider;
        if (wasCut) resumed();
        const openedAt = performance.now();
        const end = await Promise.race([open.closed, this.#widened]);
        if (end === "local") return;
        wasCut = end !== undefined;
        if (!wasCut) continue;
        if (performance.now() - openedAt > longestPauseMs) pauseMs = firstPauseMs;
      } catch (error) {
        if (signal.aborted) return;
        failed(error as Error);
        if (error instanceof ProtocolError && error.code === methodNotFound) return;
        // A server that will not tell so much still tells what it did before.
        if (error instanceof ProtocolError && open) this.#wanted = this.#taken;
        wasCut = true;
      }
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    }
  }

  /** Wishes come in bursts: those of one moment go together. */
  async #listen(): Promise<Subscription> {
    await setImmediate();
    const filter = this.#wanted;
    this.#widened = new Promise((resolve) => {
      this.#widen = resolve;
    });
    const subscription = await this.#client.listen(filter, { signal: this.#parts.signal });
    this.#taken = filter;
    return subscription;
  }
}

import { EventEmitter, once } from "node:events";
import { StoreError } from "../core/errors.js";

/** Number of leases for which a refused write is repeated: ten minutes with the default lease. */
const longestLeases = 60;

interface RefusedWritesParts {
  leaseMs: number;
  /** Called when a write of a turn is refused for another reason than the last one. */
  report: (error: StoreError) => void;
  /** Aborts when the host closes. */
  ended: AbortSignal;
}

/** Records whether the log takes writes, and repeats writes of turns that the log refuses because it is full or locked. */
export class RefusedWrites {
  readonly #parts: RefusedWritesParts;
  /** The last refusal or failed heartbeat. Undefined while the log takes writes. */
  #error: StoreError | undefined;
  /** True if the log has refused a request since the last stored heartbeat. A heartbeat is small, so it says nothing about requests. */
  #hasRefusedRequest = false;
  /** Writes of turns that the log has refused, and that are tried again. */
  readonly #waiting = new Set<() => Promise<unknown>>();
  /** Emits "beat" after each heartbeat, whether the log has stored it or not, and when the host closes. */
  readonly #beats = new EventEmitter().setMaxListeners(0);

  constructor(parts: RefusedWritesParts) {
    this.#parts = parts;
    parts.ended.addEventListener("abort", () => this.#beats.emit("beat"), { once: true });
  }

  /** See `Cluster.writeError`. */
  get error(): StoreError | undefined {
    return this.#error;
  }

  /** Notes why the log did not store a request. Only a full disk counts, because other errors may be due to what the request contains. */
  noteRequest(error: unknown): void {
    if (!(error instanceof StoreError && error.kind === "full")) return;
    this.#error = error;
    this.#hasRefusedRequest = true;
  }

  /** Called after each heartbeat, with the error if the log did not store it. */
  beat(error?: unknown): void {
    if (error instanceof StoreError) this.#error = error;
    else if (!error && !this.#hasRefusedRequest && this.#waiting.size === 0) this.#error = undefined;
    if (!error) this.#hasRefusedRequest = false;
    this.#beats.emit("beat");
  }

  /** Runs `write`. While the log refuses it and `mayRetry` returns true, repeats it after each heartbeat. See `OwnedTurn.retryRefused`. */
  async retry<T>(write: () => Promise<T>, mayRetry: () => boolean, givenUp?: AbortSignal): Promise<T> {
    const { leaseMs, ended } = this.#parts;
    const until = performance.now() + longestLeases * leaseMs;
    const isOver = () => ended.aborted || givenUp?.aborted || performance.now() >= until || !mayRetry();
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await write();
        } catch (error) {
          if (!isRefusal(error)) throw error;
          if (!givenUp) this.#waitsFor(write, error);
          else if (attempt > 1 && !this.#error) throw error; // the log takes writes again, so this refusal is due to this write alone
          if (isOver()) throw error;
          await once(this.#beats, "beat", { signal: givenUp }).catch(() => {}); // rejects only because `givenUp` has aborted
          if (isOver()) throw error;
        }
      }
    } finally {
      this.#waiting.delete(write);
    }
  }

  #waitsFor(write: () => Promise<unknown>, error: StoreError): void {
    if (this.#error?.kind !== error.kind) this.#parts.report(error);
    this.#error = error;
    this.#waiting.add(write);
  }
}

function isRefusal(error: unknown): error is StoreError {
  return error instanceof StoreError && (error.kind === "full" || error.kind === "locked");
}

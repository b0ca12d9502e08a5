/** Port for the limits that all hosts on one log share in their requests to a provider. */

export interface Bounds {
  maxConcurrency: number;
  /** Requests and tokens per minute. */
  rpm?: number;
  tpm?: number;
}

/**
 * The limit because of which a request timed out in the queue. `overload`: the number of slots, which was reduced because the provider
 * reported errors.
 */
export type Bound = "concurrency" | "overload" | "rpm" | "tpm";

export class QueueTimeout extends Error {
  constructor(
    readonly bound: Bound,
    /** True if all hosts share the limit. */
    readonly isShared = false,
  ) {
    super(bound);
  }
}

/** One of the slots for concurrent requests to a provider. A request keeps its slot during retries and until its stream has ended. */
export interface Slot extends Disposable {
  /** Waits until a retry, which uses the same slot, may be sent. Rejects with the signal's reason. */
  again(signal: AbortSignal): Promise<void>;
  /** Replaces the estimated number of tokens of the last request by the actual number. */
  correct(tokens: number): void;
}

/** Limits that hold for all hosts together. Undefined: no limit. */
export type SharedBounds = { readonly [Name in keyof Bounds]?: Bounds[Name] | undefined };

export interface SharedLimits {
  /**
   * Opens a lane, the queue for one provider's key. Lanes with the same `keyHash` share their limits; if their limits differ, the lowest
   * limit counts. `onPause` is called with the time in ms for which the provider has asked another host to send nothing.
   */
  lane(keyHash: string, bounds: SharedBounds, onPause: (forMs: number) => void): SharedLane;
  /** Sends pending updates to the other hosts. Never rejects. */
  close(): Promise<void>;
}

/**
 * The queue for one provider's key, which all hosts share. Each host uses only its share of the limit. While the log cannot be reached, the
 * share does not grow.
 */
export interface SharedLane {
  /**
   * Waits for a slot. Rejects with the signal's reason, or with QueueTimeout. Time during which the other hosts are unreachable does not
   * count towards the timeout.
   */
  acquire(tokens: number, signal: AbortSignal, queueTimeoutMs: number): Promise<Slot>;
  /** Returns a slot if one is free now and no other request waits for it. */
  tryAcquire(tokens: number): Promise<Slot | undefined>;
  /** Pauses the requests of all hosts for `forMs` milliseconds, because the provider asks for it. */
  pause(forMs: number): void;
}

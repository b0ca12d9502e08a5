/** Port between requests to a provider and the limits that all nodes on one log share. */

export interface Bounds {
  maxConcurrency: number;
  /** Requests and tokens per minute. */
  rpm?: number;
  tpm?: number;
}

/** The limit that a request waited for until it timed out. `overload`: the number of slots, reduced because of the provider's errors. */
export type Bound = "concurrency" | "overload" | "rpm" | "tpm";

export class QueueTimeout extends Error {
  constructor(
    readonly bound: Bound,
    /** True if the limit is shared by all nodes. */
    readonly isShared = false,
  ) {
    super(bound);
  }
}

/** A slot among a provider's concurrent requests. Held over retries and for the life of a stream. */
export interface Slot extends Disposable {
  /** Waits until this slot may send a further request. Rejects with the signal's reason. */
  again(signal: AbortSignal): Promise<void>;
  /** Replaces the estimated tokens of the last request by this real number. */
  correct(tokens: number): void;
}

/** Limits of all nodes together; undefined: no limit. */
export type SharedBounds = { readonly [Name in keyof Bounds]?: Bounds[Name] | undefined };

export interface SharedLimits {
  /**
   * Opens a lane. Lanes with the same `keyHash` share their limits; if the limits differ, the lowest counts. `onPause` is called when the
   * provider has told another node to send nothing for `forMs` milliseconds.
   */
  lane(keyHash: string, bounds: SharedBounds, onPause: (forMs: number) => void): SharedLane;
  /** Sends pending updates to the other nodes. Never rejects. */
  close(): Promise<void>;
}

/**
 * The queue of one provider's key, shared by all nodes. A node sends only within its share, and its share does not grow while the shared
 * state is unreachable.
 */
export interface SharedLane {
  /**
   * Waits for a slot. Rejects with the signal's reason, or with QueueTimeout. Time in which the other nodes are unreachable does not count.
   */
  acquire(tokens: number, signal: AbortSignal, queueTimeoutMs: number): Promise<Slot>;
  /** Returns a slot if one is free without waiting and without overtaking other requests. */
  tryAcquire(tokens: number): Promise<Slot | undefined>;
  /** Pauses the requests of all nodes for `forMs` milliseconds, as the provider demands. */
  pause(forMs: number): void;
}

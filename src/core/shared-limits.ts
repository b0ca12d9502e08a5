/** Port between requests to a provider and the limits that all nodes on one log share. */

export interface Bounds {
  maxConcurrency: number;
  /** Requests and tokens per minute. */
  rpm?: number;
  tpm?: number;
}

/** The limit at which a request timed out waiting. `overload`: slots, reduced because of the provider's errors. */
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
  /** Replaces the estimated tokens of the last request. */
  correct(tokens: number): void;
}

/** Limits of all nodes together; undefined: no limit. */
export type SharedBounds = { readonly [Name in keyof Bounds]?: Bounds[Name] | undefined };

export interface SharedLimits {
  /**
   * Opens a lane. Lanes with the same `keyHash` share its limits, the lowest of each. `onPause`: the provider has told another node to send
   * nothing for so many milliseconds.
   */
  lane(keyHash: string, bounds: SharedBounds, onPause: (forMs: number) => void): SharedLane;
  /** Sends what is pending to the others. Never rejects. */
  close(): Promise<void>;
}

/** The lane of one provider's key. A node sends only within its share, and gets no more while the shared state is unreachable. */
export interface SharedLane {
  /** Rejects with the signal's reason, or with QueueTimeout: time in which the others are unreachable does not count. */
  acquire(tokens: number, signal: AbortSignal, queueTimeoutMs: number): Promise<Slot>;
  /** Returns a slot if one is free without waiting or overtaking anyone. */
  tryAcquire(tokens: number): Promise<Slot | undefined>;
  /** Pauses all nodes for so many milliseconds, as the provider demands. */
  pause(forMs: number): void;
}

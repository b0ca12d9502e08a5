/** The seam between the requests to a provider and the limits that all nodes on one log share. */

export interface Bounds {
  maxConcurrency: number;
  /** Requests and tokens a minute. */
  rpm?: number;
  tpm?: number;
}

/** What a request that waited in vain waited for. `overload`: a place, of which the provider's trouble has left few. */
export type Bound = "concurrency" | "overload" | "rpm" | "tpm";

export class QueueTimeout extends Error {
  constructor(
    readonly bound: Bound,
    /** The limit is that of all nodes together. */
    readonly isShared = false,
  ) {
    super(bound);
  }
}

/** A place among the requests that a provider gets at once. Held over retries and for the life of a stream. */
export interface Slot extends Disposable {
  /** Waits until a further request may be sent from this place. Rejects with the signal's reason. */
  again(signal: AbortSignal): Promise<void>;
  /** The tokens of the last request, of which there was only an estimate. */
  correct(tokens: number): void;
}

/** Of what may be sent by all together; undefined: no limit. */
export type SharedBounds = { readonly [Name in keyof Bounds]?: Bounds[Name] | undefined };

export interface SharedLimits {
  /**
   * `keyHash`: whose limits they are. Lanes with the same one share its limits, the lower ones of each. `onPause`: the provider has
   * told another node to send nothing for so many milliseconds.
   */
  lane(keyHash: string, bounds: SharedBounds, onPause: (forMs: number) => void): SharedLane;
  /** Says what is still to be said to the others. Never rejects. */
  close(): Promise<void>;
}

/** One provider's key. A node sends only on what it was given: it gets nothing new while what they share cannot be reached. */
export interface SharedLane {
  /** Rejects with the signal's reason, or with QueueTimeout: time in which the others cannot be reached is no time in the queue. */
  acquire(tokens: number, signal: AbortSignal, queueTimeoutMs: number): Promise<Slot>;
  /** A place if it can be had without waiting and without passing anybody. */
  tryAcquire(tokens: number): Promise<Slot | undefined>;
  /** The provider wants nothing for so many milliseconds, from nobody. */
  pause(forMs: number): void;
}

import { QueueTimeout } from "../../../core/shared-limits.js";
import type { Outage } from "../connection/outage.js";
import { Line } from "./limit-line.js";

/** A node's report about its slots. Each slot allows one concurrent request to a provider. */
interface PlacesSaid {
  /** Number of the report. It increases with each report. */
  round: number;
  max: number;
  used: number;
  waiting: number;
  /** True if the node may keep slots, up to its share, even if no request of the node waits for a slot. */
  keeps: boolean;
}

/** The slots that the database has granted to a node. The grant with the higher `asOf` is newer. */
export interface PlacesGiven {
  places: number;
  asOf: number;
}

export interface PlacesParts {
  max: number;
  /** Waits until the database has a recent heartbeat of this node. Rejects if the database cannot be reached. */
  live(): Promise<void>;
  /** Sends a report and resolves with the database's answer. Rejects if it is unknown whether the report arrived. */
  say(said: PlacesSaid): Promise<PlacesGiven & { isWanted: boolean }>;
  /** Returns true if all other nodes certainly count this node as alive. */
  isLive(): boolean;
  outage: Outage;
  now: () => number;
}

/** Time, in ms, for which the node keeps unused slots after its last request. */
const keptMs = 10_000;

/**
 * This node's share of the slots for one key. The node never uses more slots than the database has granted. It keeps unused slots for its
 * next requests until other nodes want them. If it is unknown whether a slot was given back, the node does not use this slot.
 */
export class Places {
  readonly #parts: PlacesParts;
  readonly #line: Line;
  max: number;
  #used = 0;
  /** Number of slots granted to this node, as stored in the database. */
  #given = 0;
  /** Number of granted slots that this node may use. Slots that it is giving back are not included. */
  #usable = 0;
  #asOf = 0;
  /** Number of waiting requests of this node, as stored in the database. */
  #announced = 0;
  #round = 0;
  #isWanted = false;
  #usedAt = Number.NEGATIVE_INFINITY;
  #settling: Promise<void> | undefined;
  /** True if the last report or its answer may have been lost. */
  #isUnsaid = false;
  #forgotten = 0;
  /**
   * Number of slots released since the last report was sent, while the answer to the report is awaited. The next two fields hold notices
   * from the same period.
   */
  #released = 0;
  #heardWanted = false;
  #heardGiven: PlacesGiven | undefined;

  constructor(parts: PlacesParts) {
    this.#parts = parts;
    this.max = parts.max;
    this.#line = new Line(parts.outage.clock, () => {
      if (this.#line.length < this.#announced) void this.#settle();
    });
  }

  /** True if the node has slots, waiting requests or an unconfirmed report, so that `look` has something to do. */
  get isActive(): boolean {
    return this.#line.length > 0 || this.#given > 0 || this.#used > 0 || this.#isUnsaid;
  }

  /** Waits until a slot is free and takes it. Rejects with the signal's reason, or with QueueTimeout. */
  async acquire(signal: AbortSignal, queueTimeoutMs: number): Promise<void> {
    if (!signal.aborted && this.#takeFree()) return;
    const admitted = this.#line.join(signal, queueTimeoutMs, () => new QueueTimeout("concurrency", true));
    void this.#settle();
    await admitted;
  }

  /** Takes a slot if one is free now and no other request waits for one. Resolves with false if not. */
  async tryAcquire(): Promise<boolean> {
    if (this.#takeFree()) return true;
    if (this.#line.length > 0 || this.#parts.outage.isAway) return false;
    const patience = new AbortController();
    const admitted = this.#line
      .join(patience.signal, Number.POSITIVE_INFINITY, () => new Error())
      .then(
        () => true,
        () => false,
      );
    await this.#settle();
    patience.abort();
    return admitted;
  }

  release(): void {
    this.#used--;
    if (this.#isAsked) {
      this.#released++;
      void this.#settle();
    } else this.#admit();
  }

  /** Gives unused slots back. Called when another node waits for slots. */
  wanted(): void {
    this.#isWanted = true;
    this.#heardWanted = true;
    if (this.#given > this.#used) void this.#settle();
  }

  /** Updates this node's slots. Called when the database has given slots to this node because of another node's report. */
  given(given: PlacesGiven): void {
    if (this.#settling) this.#heardGiven = given;
    else if (!this.#isUnsaid && this.#learn(given)) this.#admit();
  }

  /**
   * Stops using granted slots until the next report is confirmed. Called if other nodes may have counted this node as dead and taken its
   * slots.
   */
  forget(): void {
    this.#usable = 0;
    this.#forgotten++;
    this.#isUnsaid = true;
  }

  /** Repeats a report that may have been lost, and gives back slots that are not needed. Called from time to time. */
  look(): void {
    if (this.#isUnsaid || this.#line.length > 0 || this.#given > this.#used) void this.#settle();
  }

  /** True if other nodes want this node's unused slots and the database can be reached. */
  get #isAsked(): boolean {
    return this.#isWanted && !this.#parts.outage.isAway;
  }

  #takeFree(): boolean {
    if (this.#line.length > 0 || this.#isAsked || !this.#isFree()) return false;
    this.#use();
    return true;
  }

  #isFree(): boolean {
    return this.#used < this.#usable && this.#parts.isLive();
  }

  #use(): void {
    this.#used++;
    this.#usedAt = this.#parts.now();
  }

  #admit(): void {
    while (this.#line.length > 0 && this.#isFree()) {
      this.#use();
      this.#line.admitFirst();
    }
  }

  /** Sends reports until the database knows this node's state, or cannot be reached. Never rejects. */
  #settle(): Promise<void> {
    this.#settling ??= this.#settleNow();
    return this.#settling;
  }

  /**
   * Sends reports in a loop. Clears `#settling` in the same microtask as the last check: otherwise a later caller would wait for a loop
   * that no longer handles its request.
   */
  async #settleNow(): Promise<void> {
    do {
      this.#isUnsaid = !(await this.#say());
    } while (!this.#isUnsaid && this.#isUnsettled());
    this.#settling = undefined;
  }

  #isUnsettled(): boolean {
    return this.#line.length !== this.#announced || (this.#isWanted && this.#given > this.#used);
  }

  /** Sends one report. Resolves with false if it is unknown whether the report arrived. */
  async #say(): Promise<boolean> {
    const { live, say, now } = this.#parts;
    try {
      await live();
      const [used, waiting, forgotten] = [this.#used, this.#line.length, this.#forgotten];
      this.#usable = Math.min(this.#usable, used);
      this.#released = 0;
      this.#heardWanted = false;
      this.#heardGiven = undefined;
      const keeps = waiting > 0 || now() - this.#usedAt < keptMs;
      const answer = await say({ round: ++this.#round, max: this.max, used, waiting, keeps });
      if (forgotten !== this.#forgotten) return false;
      this.#given = used;
      this.#announced = waiting;
      this.#learn(answer);
      this.#isWanted = answer.isWanted || this.#heardWanted;
    } catch {
      return false;
    }
    if (this.#heardGiven) this.#learn(this.#heardGiven);
    if (this.#isWanted) this.#usable = Math.max(this.#used, this.#usable - this.#released);
    this.#admit();
    return true;
  }

  #learn({ places, asOf }: PlacesGiven): boolean {
    if (asOf <= this.#asOf) return false;
    this.#announced = Math.max(0, this.#announced - Math.max(0, places - this.#given));
    this.#given = places;
    this.#usable = places;
    this.#asOf = asOf;
    return true;
  }
}

import { QueueTimeout } from "../../core/shared-limits.js";
import { Line } from "./limit-line.js";
import type { Outage } from "./outage.js";

/** A node's report about its slots. */
interface PlacesSaid {
  /** Number of the report, increasing. */
  round: number;
  max: number;
  used: number;
  waiting: number;
  /** True if the node may keep slots that no request waits for, up to its share. */
  keeps: boolean;
}

/** Slots granted to a node. A higher `asOf` is more recent. */
export interface PlacesGiven {
  places: number;
  asOf: number;
}

export interface PlacesParts {
  max: number;
  /** Waits until this node is known to be alive. Rejects if the database cannot be reached. */
  live(): Promise<void>;
  /** Sends a report. Rejects if it is unknown whether the report arrived. */
  say(said: PlacesSaid): Promise<PlacesGiven & { isWanted: boolean }>;
  /** Returns true while the other nodes certainly see this node as alive. */
  isLive(): boolean;
  outage: Outage;
  now: () => number;
}

/** Time for which slots are kept after the last request, for later ones. */
const keptMs = 10_000;

/**
 * This node's slots of one key, out of those of all nodes. The node never uses more than it has. It keeps slots for its next requests, at
 * no cost, until other nodes want them. A slot that it may have given back counts as gone.
 */
export class Places {
  readonly #parts: PlacesParts;
  readonly #line: Line;
  max: number;
  #used = 0;
  /** Granted slots, according to the database. */
  #given = 0;
  /** Granted slots that may be used, without those being given back. */
  #usable = 0;
  #asOf = 0;
  /** Requests waiting here, according to the database. */
  #announced = 0;
  #round = 0;
  #isWanted = false;
  #usedAt = Number.NEGATIVE_INFINITY;
  #settling: Promise<void> | undefined;
  /** True if the database may not know this node's state, or this node may have missed the answer. */
  #isUnsaid = false;
  #forgotten = 0;
  /** While a report is in flight: slots released, and notices received. */
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

  /** True if there are slots, waiting requests or an unconfirmed report to look after. */
  get isActive(): boolean {
    return this.#line.length > 0 || this.#given > 0 || this.#used > 0 || this.#isUnsaid;
  }

  /** Waits for a slot. Rejects with the signal's reason, or with QueueTimeout. */
  async acquire(signal: AbortSignal, queueTimeoutMs: number): Promise<void> {
    if (!signal.aborted && this.#takeFree()) return;
    const admitted = this.#line.join(signal, queueTimeoutMs, () => new QueueTimeout("concurrency", true));
    void this.#settle();
    await admitted;
  }

  /** Takes a slot if that needs no waiting and overtakes no request. */
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

  /** Reacts to another node that waits for slots. */
  wanted(): void {
    this.#isWanted = true;
    this.#heardWanted = true;
    if (this.#given > this.#used) void this.#settle();
  }

  /** Takes slots that another node has passed on to this one. */
  given(given: PlacesGiven): void {
    if (this.#settling) this.#heardGiven = given;
    else if (!this.#isUnsaid && this.#learn(given)) this.#admit();
  }

  /** Stops using slots until this node has reported what it uses. Other nodes may have taken it for dead and taken its slots. */
  forget(): void {
    this.#usable = 0;
    this.#forgotten++;
    this.#isUnsaid = true;
  }

  /** Repeats reports that did not arrive and gives unneeded slots back. Called from time to time. */
  look(): void {
    if (this.#isUnsaid || this.#line.length > 0 || this.#given > this.#used) void this.#settle();
  }

  /** True if other nodes want the free slots here and can be notified. */
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

  /** Reports until the database knows this node's state or cannot be reached. Never rejects. */
  #settle(): Promise<void> {
    this.#settling ??= this.#settleNow();
    return this.#settling;
  }

  /**
   * Clears `#settling` in the same microtask as the last check. A later caller would otherwise await a run that no longer sees its request.
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

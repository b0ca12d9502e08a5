import { QueueTimeout } from "../../core/shared-limits.js";
import { Line } from "./limit-line.js";
import type { Outage } from "./outage.js";

/** What a node says of its places. */
interface PlacesSaid {
  /** Grows with everything said. */
  round: number;
  max: number;
  used: number;
  waiting: number;
  /** What nobody waits for may stay with the node, up to its share. */
  keeps: boolean;
}

/** What a node has. The one with the higher `asOf` is what it has now. */
export interface PlacesGiven {
  places: number;
  asOf: number;
}

export interface PlacesParts {
  max: number;
  /** Resolves when this node is known to live. Rejects when the database cannot be reached. */
  live(): Promise<void>;
  /** Rejects when it is not known whether it was heard. */
  say(said: PlacesSaid): Promise<PlacesGiven & { isWanted: boolean }>;
  /** Whether the others surely still take this node for a living one. */
  isLive(): boolean;
  outage: Outage;
  now: () => number;
}

/** How long places are kept for the next requests after the last one. */
const keptMs = 10_000;

/**
 * The places of one key that this node has, out of those of all nodes. It uses no more than it has; what it has stays with it for its
 * next requests, at no cost, until others want it. What it may have given back, it counts as gone.
 */
export class Places {
  readonly #parts: PlacesParts;
  readonly #line: Line;
  max: number;
  #used = 0;
  /** As the database has it. */
  #given = 0;
  /** Of these what may be used: not those on their way back. */
  #usable = 0;
  #asOf = 0;
  /** How many wait here, as the database has it. */
  #announced = 0;
  #round = 0;
  #isWanted = false;
  #usedAt = Number.NEGATIVE_INFINITY;
  #settling: Promise<void> | undefined;
  /** What is so here may not be known to the database, nor what it said here. */
  #isUnsaid = false;
  #forgotten = 0;
  /** While something is being said: what was released, and what was heard. */
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

  /** Whether there is anything to be looked after. */
  get isActive(): boolean {
    return this.#line.length > 0 || this.#given > 0 || this.#used > 0 || this.#isUnsaid;
  }

  /** Rejects with the signal's reason, or with QueueTimeout. */
  async acquire(signal: AbortSignal, queueTimeoutMs: number): Promise<void> {
    if (!signal.aborted && this.#takeFree()) return;
    const admitted = this.#line.join(signal, queueTimeoutMs, () => new QueueTimeout("concurrency", true));
    void this.#settle();
    await admitted;
  }

  /** Whether a place could be had without waiting and without passing anybody. */
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

  /** Another node waits for places. */
  wanted(): void {
    this.#isWanted = true;
    this.#heardWanted = true;
    if (this.#given > this.#used) void this.#settle();
  }

  /** Another node has passed places on to this one. */
  given(given: PlacesGiven): void {
    if (this.#settling) this.#heardGiven = given;
    else if (!this.#isUnsaid && this.#learn(given)) this.#admit();
  }

  /** The others may have taken this node for dead, and what it had: it has nothing more until it has said what it uses. */
  forget(): void {
    this.#usable = 0;
    this.#forgotten++;
    this.#isUnsaid = true;
  }

  /** From time to time: what was not heard is asked for, and what is not needed given back. */
  look(): void {
    if (this.#isUnsaid || this.#line.length > 0 || this.#given > this.#used) void this.#settle();
  }

  /** Others want what is free here, and can be told. */
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

  /** Until the database knows what is so here, or cannot be reached. Never rejects. */
  #settle(): Promise<void> {
    this.#settling ??= this.#settleNow();
    return this.#settling;
  }

  /** It is over in the moment of its last look: who came a microtask later would take it for one that still sees him. */
  async #settleNow(): Promise<void> {
    do {
      this.#isUnsaid = !(await this.#say());
    } while (!this.#isUnsaid && this.#isUnsettled());
    this.#settling = undefined;
  }

  #isUnsettled(): boolean {
    return this.#line.length !== this.#announced || (this.#isWanted && this.#given > this.#used);
  }

  /** False: it is not known whether it was heard. */
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

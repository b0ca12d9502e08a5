import { longestTimerMs } from "../../core/async/timers.js";
import { type Charge, RateWindow } from "./rate.js";

export interface LimiterBounds {
  maxConcurrency: number;
  /** Requests and tokens per minute. */
  rpm?: number | undefined;
  tpm?: number | undefined;
}

/**
 * The limit because of which a request timed out in the queue. `overload`: the number of slots, which was reduced because the provider
 * reported errors.
 */
type Bound = "concurrency" | "overload" | "rpm" | "tpm";

export class QueueTimeout extends Error {
  constructor(readonly bound: Bound) {
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

interface Waiter {
  tokens: number;
  admit(tokenCharge: Charge | undefined): void;
}

const shrink = 0.7;
/**
 * A failed request shrinks the limit only if it was sent at least this long, in ms, after the limit last shrank. Requests sent earlier met
 * the same overload.
 */
const coolDownMs = 1000;

/**
 * Queue of a provider, served in order of arrival. The number of slots shrinks when the provider is overloaded, and grows back one by one
 * as requests succeed (AIMD, as in TCP). So a provider that has just recovered does not get all waiting calls at once.
 */
export class Limiter {
  readonly #bounds: LimiterBounds;
  readonly #now: () => number;
  readonly #rpm: RateWindow | undefined;
  readonly #tpm: RateWindow | undefined;
  /**
   * `#returning`: calls that wait to send a retry. `#arriving`: calls that wait for a slot. Both are in order of arrival. Returning calls
   * go first, because they already hold slots that other calls wait for.
   */
  readonly #returning = new Set<Waiter>();
  readonly #arriving = new Set<Waiter>();
  readonly #keeper: Keeper = {
    again: (tokens, signal) => this.#turn(this.#returning, tokens, signal),
    correct: (charge, tokens) => {
      if (charge) this.#tpm?.correct(charge, tokens);
      this.#admit();
    },
    leave: () => {
      this.#active--;
      this.#admit();
    },
  };
  #limit: number;
  #active = 0;
  #successes = 0;
  #shrunkAt = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** `now` returns the time in ms of a clock that never goes back. */
  constructor(bounds: LimiterBounds, now: () => number) {
    this.#bounds = bounds;
    this.#now = now;
    this.#limit = bounds.maxConcurrency;
    this.#rpm = bounds.rpm === undefined ? undefined : new RateWindow(bounds.rpm);
    this.#tpm = bounds.tpm === undefined ? undefined : new RateWindow(bounds.tpm);
  }

  get limit(): number {
    return this.#limit;
  }

  get active(): number {
    return this.#active;
  }

  get queued(): number {
    return this.#arriving.size + this.#returning.size;
  }

  /**
   * Waits for a slot. Rejects with the signal's reason, or with QueueTimeout. A pause that the provider asked for does not count towards
   * `queueTimeoutMs`.
   */
  async acquire(tokens: number, signal: AbortSignal, queueTimeoutMs: number): Promise<Slot> {
    const free = signal.aborted ? undefined : this.tryAcquire(tokens);
    return free ?? this.#slot(tokens, await this.#turn(this.#arriving, tokens, signal, queueTimeoutMs));
  }

  /** Takes a slot if one is free and no other call waits; otherwise returns undefined. */
  tryAcquire(tokens: number): Slot | undefined {
    if (this.queued > 0 || this.#active >= this.#limit || this.#waitMs(tokens) > 0) return undefined;
    this.#active++;
    return this.#slot(tokens, this.#charge(tokens));
  }

  pause(untilMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, untilMs);
  }

  shrink(sentAtMs: number): void {
    if (sentAtMs < this.#shrunkAt + coolDownMs) return;
    this.#limit = Math.max(1, Math.floor(this.#limit * shrink));
    this.#shrunkAt = this.#now();
    this.#successes = 0;
  }

  /** Raises the limit by one after as many successes as there are slots. */
  grow(): void {
    if (this.#limit >= this.#bounds.maxConcurrency || ++this.#successes < this.#limit) return;
    this.#limit++;
    this.#successes = 0;
    this.#admit();
  }

  #slot(tokens: number, charge: Charge | undefined): Slot {
    return new TakenSlot(this.#keeper, tokens, charge);
  }

  #turn(queue: Set<Waiter>, tokens: number, signal: AbortSignal, queueTimeoutMs?: number): Promise<Charge | undefined> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const arrivedAt = this.#now();
      let timer: NodeJS.Timeout | undefined;
      const leave = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        queue.delete(waiter);
      };
      const waiter: Waiter = {
        tokens,
        admit: (charge) => {
          leave();
          resolve(charge);
        },
      };
      const giveUp = (reason: unknown) => {
        leave();
        reject(reason);
        // Calls behind this one may need fewer tokens, so one of them may pass now. If the queue is empty, the timer stops.
        this.#admit();
      };
      const abort = () => giveUp(signal.reason);
      const watch = (limitMs: number) => {
        const leftMs = Math.max(arrivedAt, this.#pausedUntil) + limitMs - this.#now();
        if (leftMs <= 0) giveUp(new QueueTimeout(this.#boundOf(tokens)));
        else timer = setTimeout(watch, Math.min(leftMs, longestTimerMs), limitMs);
      };
      queue.add(waiter);
      signal.addEventListener("abort", abort);
      this.#admit();
      if (queueTimeoutMs !== undefined && queue.has(waiter)) watch(queueTimeoutMs);
    });
  }

  #admit(): void {
    clearTimeout(this.#timer);
    if (this.queued === 0) return;
    for (;;) {
      const [returning] = this.#returning;
      const [arriving] = this.#active < this.#limit ? this.#arriving : [];
      const next = returning ?? arriving;
      if (!next) return;
      const waitMs = this.#waitMs(next.tokens);
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#admit(), Math.min(Math.ceil(waitMs), longestTimerMs));
        return;
      }
      if (!returning) this.#active++;
      next.admit(this.#charge(next.tokens));
    }
  }

  #waitMs(tokens: number): number {
    const now = this.#now();
    return Math.max(0, this.#pausedUntil - now, this.#rpm?.waitMs(1, now) ?? 0, this.#tpm?.waitMs(tokens, now) ?? 0);
  }

  #charge(tokens: number): Charge | undefined {
    const now = this.#now();
    this.#rpm?.take(1, now);
    return this.#tpm?.take(tokens, now);
  }

  #boundOf(tokens: number): Bound {
    const now = this.#now();
    if (this.#active >= this.#limit) return this.#limit < this.#bounds.maxConcurrency ? "overload" : "concurrency";
    return (this.#rpm?.waitMs(1, now) ?? 0) >= (this.#tpm?.waitMs(tokens, now) ?? 0) && this.#rpm ? "rpm" : "tpm";
  }
}

interface Keeper {
  again(tokens: number, signal: AbortSignal): Promise<Charge | undefined>;
  correct(charge: Charge | undefined, tokens: number): void;
  leave(): void;
}

/** A taken slot. It is a class, because an object literal with a method named by a symbol would cost several times as much. */
class TakenSlot implements Slot {
  readonly #keeper: Keeper;
  readonly #tokens: number;
  #charge: Charge | undefined;
  #isLeft = false;

  constructor(keeper: Keeper, tokens: number, charge: Charge | undefined) {
    this.#keeper = keeper;
    this.#tokens = tokens;
    this.#charge = charge;
  }

  async again(signal: AbortSignal): Promise<void> {
    this.#charge = await this.#keeper.again(this.#tokens, signal);
  }

  correct(tokens: number): void {
    this.#keeper.correct(this.#charge, tokens);
  }

  [Symbol.dispose](): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#keeper.leave();
  }
}

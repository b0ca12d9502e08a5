import { setTimeout as sleep } from "node:timers/promises";
import { smallest } from "../../../core/lists/long-lists.js";
import type { SharedBounds, SharedLane, Slot } from "../../../core/shared-limits.js";
import type { Outage } from "../connection/outage.js";
import { Places, type PlacesGiven } from "./limit-places.js";
import { Rates, type SharedCharge, type SpentRates } from "./limit-rates.js";

export interface KeyLimitsParts {
  nodeId: string;
  keyHash: string;
  channel: string;
  outage: Outage;
  now: () => number;
  isLive(): boolean;
  /** Waits until the database has a recent heartbeat of this node. */
  live(): Promise<void>;
  /** Called when the database no longer knows this node. */
  lapse(): void;
  query<Row extends object>(sql: string, values: readonly unknown[]): Promise<Row[]>;
}

interface PlacesRow {
  places: number;
  as_of: number;
  is_wanted: boolean;
  paused_ms: number;
}

/** This node's view of the shared limits of one provider key. */
export class KeyLimits {
  readonly #parts: KeyLimitsParts;
  readonly #rates: Rates;
  readonly #onPause: ((forMs: number) => void)[] = [];
  #bounds: SharedBounds = {};
  #places: Places | undefined;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: KeyLimitsParts) {
    this.#parts = parts;
    const { query, keyHash } = parts;
    this.#rates = new Rates({
      spend: async (tokens, patienceMs) => {
        const { rpm = null, tpm = null } = this.#bounds;
        const [row] = await query<{ wait_ms: number; second: number | null; bound: SpentRates["bound"] }>(
          "SELECT * FROM limit_spend($1, $2, $3, $4, $5)",
          [keyHash, rpm, tpm, tokens, patienceMs],
        );
        if (!row) throw new Error("limit_spend gave no row");
        return { waitMs: row.wait_ms, second: row.second, bound: row.bound };
      },
      correct: async (corrections) => {
        const column = (name: "second" | "requests" | "tokens") => corrections.map((each) => each[name]);
        const values = [keyHash, column("second"), column("requests"), column("tokens")];
        await query("SELECT limit_correct($1, $2, $3, $4)", values);
      },
    });
  }

  get isActive(): boolean {
    return this.#places?.isActive ?? false;
  }

  lane(bounds: SharedBounds, onPause: (forMs: number) => void): SharedLane {
    const lower = (name: keyof SharedBounds) => {
      const both = [this.#bounds[name], bounds[name]].filter((bound) => bound !== undefined);
      return both.length > 0 ? smallest(both) : undefined;
    };
    this.#bounds = { maxConcurrency: lower("maxConcurrency"), rpm: lower("rpm"), tpm: lower("tpm") };
    const max = this.#bounds.maxConcurrency;
    if (max !== undefined) {
      this.#places ??= this.#newPlaces(max);
      this.#places.max = max;
    }
    this.#onPause.push(onPause);
    return {
      acquire: async (tokens, signal, queueTimeoutMs) => {
        await this.#places?.acquire(signal, queueTimeoutMs);
        return this.#slot(tokens, signal, queueTimeoutMs);
      },
      tryAcquire: async (tokens) => {
        const isPaused = this.#pausedUntil > this.#parts.now();
        if (isPaused || (this.#places && !(await this.#places.tryAcquire()))) return undefined;
        return this.#slot(tokens, new AbortController().signal, 0).catch(() => undefined);
      },
      pause: (forMs) => {
        const { query, keyHash, nodeId, channel } = this.#parts;
        query("SELECT limit_pause($1, $2, $3, $4)", [keyHash, nodeId, forMs, channel]).catch(() => {});
      },
    };
  }

  wanted(): void {
    this.#places?.wanted();
  }

  given(given: PlacesGiven): void {
    this.#places?.given(given);
  }

  paused(forMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#parts.now() + forMs);
    for (const onPause of this.#onPause) onPause(forMs);
  }

  forget(): void {
    this.#places?.forget();
  }

  look(): void {
    this.#places?.look();
  }

  flush(): Promise<void> {
    return this.#rates.flush();
  }

  /** Charges a request against the limits per minute. The request already has a slot, which is released if charging fails. */
  async #slot(tokens: number, entering: AbortSignal, queueTimeoutMs: number): Promise<Slot> {
    const places = this.#places;
    let charge: SharedCharge | undefined;
    try {
      charge = await this.#go(tokens, entering, queueTimeoutMs);
    } catch (error) {
      places?.release();
      throw error;
    }
    let isReleased = false;
    return {
      again: async (signal) => {
        charge = await this.#go(tokens, signal, Number.POSITIVE_INFINITY);
      },
      correct: (actual) => {
        if (charge && this.#bounds.tpm !== undefined) this.#rates.correct(charge, actual);
      },
      [Symbol.dispose]: () => {
        if (isReleased) return;
        isReleased = true;
        places?.release();
      },
    };
  }

  /** Waits until the request may be sent. The request keeps its slot while it waits. */
  async #go(tokens: number, signal: AbortSignal, patienceMs: number): Promise<SharedCharge | undefined> {
    const leftMs = () => this.#pausedUntil - this.#parts.now();
    while (leftMs() > 0) await sleep(leftMs() + 1, undefined, { signal }).catch(() => Promise.reject(signal.reason));
    const { rpm, tpm } = this.#bounds;
    return rpm === undefined && tpm === undefined ? undefined : this.#rates.spend(tokens, signal, patienceMs);
  }

  #newPlaces(max: number): Places {
    const { query, keyHash, nodeId, channel, ...parts } = this.#parts;
    return new Places({
      ...parts,
      max,
      say: async ({ round, max, used, waiting, keeps }) => {
        const [row] = await query<PlacesRow>("SELECT * FROM limit_places($1, $2, $3, $4, $5, $6, $7, $8)", [
          keyHash,
          nodeId,
          round,
          max,
          used,
          waiting,
          keeps,
          channel,
        ]);
        if (!row) {
          parts.lapse();
          throw new Error("the database does not know this node");
        }
        if (row.paused_ms > 0) this.paused(row.paused_ms);
        return { places: row.places, asOf: row.as_of, isWanted: row.is_wanted };
      },
    });
  }
}

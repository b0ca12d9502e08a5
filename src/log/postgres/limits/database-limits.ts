/**
 * Limits that all nodes (hosts) on one database share. A node uses only the slots for concurrent requests, and the requests and tokens per
 * minute, that the database has granted to it.
 */
import { messageOf } from "../../../core/errors.js";
import type { Observe } from "../../../core/ports.js";
import type { SharedBounds, SharedLane, SharedLimits } from "../../../core/shared-limits.js";
import { freedChannel } from "../../sql/limit-functions.js";
import type { Database } from "../connection/database.js";
import type { Listener } from "../connection/listener.js";
import { Outage } from "../connection/outage.js";
import { isPoolTimeout } from "../connection/store-errors.js";
import { KeyLimits } from "./limit-key.js";

export interface PostgresLimitsParts {
  database: Pick<Database, "pool">;
  listener: Pick<Listener, "subscribe">;
  nodeId: string;
  /** Channel on which nodes announce changes of slots and pauses. */
  channel: string;
  /** Sends this node's heartbeat. */
  beat(): Promise<unknown>;
  /** Time, in ms, without a heartbeat after which other nodes take this node's slots. */
  leaseMs: number;
  observe: Observe;
}

interface LimitNotice {
  key: string;
  node?: string;
  places?: number;
  as_of?: number;
  wanted_by?: string;
  paused_by?: string;
  paused_ms?: number;
}

/** Name from which the secret channel of the limits is derived. */
export const limitsTopic = "limits";

const beatsPerLease = 4;
const lookMs = 1_000;
const lookAwayMs = 250;
/**
 * Time, in ms, after which a database that does not answer counts as unreachable. While the database is unreachable, the timeouts of
 * waiting requests stand still.
 */
const slowMs = 1_000;

export class PostgresLimits implements SharedLimits {
  readonly #parts: PostgresLimitsParts;
  /** Monotonic clock, in ms. */
  readonly #now = () => performance.now();
  readonly #outage: Outage;
  readonly #keys = new Map<string, KeyLimits>();
  readonly #unsubscribe: (() => void)[];
  #beatAt = Number.NEGATIVE_INFINITY;
  #beating: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: PostgresLimitsParts) {
    this.#parts = parts;
    this.#outage = new Outage(this.#now, (isAway, why) => this.#report(isAway, why));
    const missed = () => this.#look();
    this.#unsubscribe = [
      parts.listener.subscribe(parts.channel, {
        notice: (payload) => this.#heard(JSON.parse(payload) as LimitNotice),
        missed,
      }),
      parts.listener.subscribe(freedChannel, { notice: missed, missed: () => {} }),
    ];
  }

  lane(keyHash: string, bounds: SharedBounds, onPause: (forMs: number) => void): SharedLane {
    const { nodeId, channel } = this.#parts;
    const ends = {
      nodeId,
      keyHash,
      channel,
      outage: this.#outage,
      now: this.#now,
      isLive: () => this.#isLive(),
      live: () => this.#live(),
      lapse: () => {
        this.#beatAt = Number.NEGATIVE_INFINITY;
      },
      query: <Row extends object>(sql: string, values: readonly unknown[]) => this.#query<Row>(sql, values),
    };
    const key = this.#keys.get(keyHash) ?? new KeyLimits(ends);
    this.#keys.set(keyHash, key);
    return key.lane(bounds, onPause);
  }

  /**
   * Sends the collected corrections of charged tokens. Does not free the node's slots: they become free when the node is unregistered.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    clearTimeout(this.#timer);
    await Promise.all([...this.#keys.values()].map((key) => key.flush()));
  }

  /** Returns true if all other nodes certainly count this node as alive. Returns false well before they take this node's slots. */
  #isLive(): boolean {
    return this.#now() - this.#beatAt < (1 - 1 / beatsPerLease) * this.#parts.leaseMs;
  }

  /** Schedules the next call of `look`. Then waits until the node's last heartbeat is recent. */
  async #live(): Promise<void> {
    this.#lookLater();
    if (!this.#isLive()) await this.#beat();
  }

  #beat(): Promise<void> {
    this.#beating ??= this.#beatNow().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  async #beatNow(): Promise<void> {
    const sentAt = this.#now();
    await this.#reached(this.#parts.beat());
    if (!this.#isLive()) for (const key of this.#keys.values()) key.forget();
    this.#beatAt = sentAt;
  }

  /** Runs the statement. The wait for a connection is not measured: a busy host must not conclude that the database is lost. */
  async #query<Row extends object>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    const client = await this.#parts.database.pool.connect().catch((error: unknown) => {
      if (!isPoolTimeout(error)) this.#outage.began(error);
      throw error;
    });
    let isBroken = false;
    try {
      return (await this.#reached(client.query<Row>(sql, [...values]))).rows;
    } catch (error) {
      isBroken = true;
      throw error;
    } finally {
      client.release(isBroken);
    }
  }

  async #reached<T>(asking: Promise<T>): Promise<T> {
    const slow = setTimeout(() => this.#outage.began("no answer"), slowMs);
    try {
      const answer = await asking;
      this.#outage.ended();
      return answer;
    } catch (error) {
      this.#outage.began(error);
      throw error;
    } finally {
      clearTimeout(slow);
    }
  }

  #heard({ key: keyHash, ...notice }: LimitNotice): void {
    const { nodeId } = this.#parts;
    const { places, as_of: asOf, wanted_by: wantedBy, paused_ms: pausedMs } = notice;
    const key = this.#keys.get(keyHash);
    if (notice.node === nodeId && places !== undefined && asOf !== undefined) key?.given({ places, asOf });
    if (wantedBy !== undefined && wantedBy !== nodeId) key?.wanted();
    if (pausedMs !== undefined && notice.paused_by !== nodeId) key?.paused(pausedMs);
  }

  #look(): void {
    for (const key of this.#keys.values()) key.look();
  }

  #lookLater(): void {
    if (this.#timer || this.#isClosed) return;
    const look = () => {
      this.#timer = undefined;
      const active = [...this.#keys.values()].filter((key) => key.isActive);
      if (active.length === 0) return;
      this.#lookLater();
      if (this.#now() - this.#beatAt > this.#parts.leaseMs / beatsPerLease) this.#beat().catch(() => {});
      for (const key of active) key.look();
    };
    this.#timer = setTimeout(look, this.#outage.isAway ? lookAwayMs : lookMs).unref();
  }

  #report(isAway: boolean, why: unknown): void {
    const message = isAway
      ? `limits of all nodes: the database cannot be reached, nothing is sent beyond what this node was given: ${messageOf(why)}`
      : "limits of all nodes: the database is there again";
    this.#parts.observe({ level: isAway ? "warn" : "info", scope: "llm", message });
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lookLater();
  }
}

import type { TurnEvent } from "../../core/events.js";
import type { ContentPart } from "../../core/messages.js";
import { LiveTurn } from "./live-turn.js";
import type { TurnCapacity } from "./turn-capacity.js";

/** The turns of one conversation that run, wait or are shown on this host. The keys are request ids. */
export class TurnsHere {
  readonly #turns = new Map<string, LiveTurn>();
  /** Turns whose request is being written to the log. The values are the promises of these writes. */
  readonly #claims = new Map<LiveTurn, Promise<void>>();
  readonly #driven = new Set<Promise<void>>();
  readonly #listeners = new Set<(event: TurnEvent) => void>();
  readonly #capacity: TurnCapacity;
  readonly #onUse: () => void;

  /** `onUse` is called when `count` or `isFollowed` may have changed. */
  constructor(capacity: TurnCapacity, onUse: () => void) {
    this.#capacity = capacity;
    this.#onUse = onUse;
  }

  begin(requestId: string, content: readonly ContentPart[]): LiveTurn {
    const turn = new LiveTurn(requestId, content, (event) => {
      for (const listener of this.#listeners) listener(event);
    });
    this.#turns.set(requestId, turn);
    this.#capacity.begun();
    this.#onUse();
    return turn;
  }

  remove(turn: LiveTurn): void {
    if (this.#turns.delete(turn.requestId)) this.#capacity.ended();
    this.#onUse();
  }

  get count(): number {
    return this.#turns.size;
  }

  get isFollowed(): boolean {
    return this.#listeners.size > 0;
  }

  has(requestId: string): boolean {
    return this.#turns.has(requestId);
  }

  get(requestId: string): LiveTurn | undefined {
    return this.#turns.get(requestId);
  }

  find(turnId: string): LiveTurn | undefined {
    return this.all().find((turn) => turn.turnId === turnId);
  }

  all(): LiveTurn[] {
    return [...this.#turns.values()];
  }

  /** Registers `claiming`, the write of the turn's request to the log, and waits for it. Rejects if the write fails. */
  async claim(turn: LiveTurn, claiming: Promise<void>): Promise<void> {
    const claim = claiming.finally(() => this.#claims.delete(turn));
    this.#claims.set(turn, claim);
    await claim;
  }

  /**
   * Waits while the request of the turn is being stored. Rejects if it could not be stored. Resolves at once if the request is not being
   * stored now.
   */
  async claimOf(turn: LiveTurn): Promise<void> {
    await this.#claims.get(turn);
  }

  /** Registers the run of a turn, so that `idle` waits for it. `driving` must never reject. */
  drive(driving: Promise<void>): void {
    const driven = driving.finally(() => this.#driven.delete(driven));
    this.#driven.add(driven);
  }

  /** Resolves when no request is being written here, and no turn runs or is followed here. */
  async idle(): Promise<void> {
    while (this.#driven.size + this.#claims.size > 0) {
      await Promise.allSettled([...this.#claims.values(), ...this.#driven]);
    }
  }

  /** Calls the listener for every event of every turn. Call the returned function to stop. */
  listen(listener: (event: TurnEvent) => void): () => void {
    this.#listeners.add(listener);
    this.#onUse();
    return () => {
      this.#listeners.delete(listener);
      this.#onUse();
    };
  }
}

import type { ContentPart, TurnEvent } from "../core/chat.js";
import { LiveTurn } from "./live-turn.js";

/** The turns of one conversation that run, wait or are followed here, by request id. */
export class TurnsHere {
  readonly #turns = new Map<string, LiveTurn>();
  /** Requests being written to the log. */
  readonly #claims = new Map<LiveTurn, Promise<void>>();
  readonly #driven = new Set<Promise<void>>();
  readonly #listeners = new Set<(event: TurnEvent) => void>();
  readonly #onUse: () => void;

  /** `onUse`: `count` or `isFollowed` may have changed. */
  constructor(onUse: () => void) {
    this.#onUse = onUse;
  }

  begin(requestId: string, content: readonly ContentPart[]): LiveTurn {
    const turn = new LiveTurn(requestId, content, (event) => {
      for (const listener of this.#listeners) listener(event);
    });
    this.#turns.set(requestId, turn);
    this.#onUse();
    return turn;
  }

  remove(turn: LiveTurn): void {
    this.#turns.delete(turn.requestId);
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

  /** Registers the claim and settles with it. */
  async claim(turn: LiveTurn, claiming: Promise<void>): Promise<void> {
    const claim = claiming.finally(() => this.#claims.delete(turn));
    this.#claims.set(turn, claim);
    await claim;
  }

  /** Settles when the turn's request is in the log, or could not be stored. */
  async claimOf(turn: LiveTurn): Promise<void> {
    await this.#claims.get(turn);
  }

  /** `driving` never rejects. */
  drive(driving: Promise<void>): void {
    const driven = driving.finally(() => this.#driven.delete(driven));
    this.#driven.add(driven);
  }

  /** Resolves when no turn is being claimed or driven. */
  async idle(): Promise<void> {
    while (this.#driven.size + this.#claims.size > 0) {
      await Promise.allSettled([...this.#claims.values(), ...this.#driven]);
    }
  }

  /** Calls the listener for every event of every turn, until the returned function is called. */
  listen(listener: (event: TurnEvent) => void): () => void {
    this.#listeners.add(listener);
    this.#onUse();
    return () => {
      this.#listeners.delete(listener);
      this.#onUse();
    };
  }
}

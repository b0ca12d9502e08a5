import type { Listener } from "./listener.js";

/** Whoever writes says so here, in the transaction that writes: who it is, and of which conversation. */
export const logChannel = "mcp_platform_log";

/** Without notices, how often whoever waits looks into the tables; with them, in case one was lost. */
const lookMs = 250;
const checkMs = 5_000;

/** A number that is another one when another process may have written. */
export class Notices {
  readonly #origin: string;
  readonly #listener: Listener;
  readonly #unsubscribe: () => void;
  #version = 0;
  #changedAt = performance.now();

  /** `origin` names this process among those that write. */
  constructor(listener: Listener, origin: string) {
    this.#origin = origin;
    this.#listener = listener;
    const change = () => {
      this.#version++;
      this.#changedAt = performance.now();
    };
    this.#unsubscribe = listener.subscribe(logChannel, {
      notice: (payload) => payload.startsWith(`${origin} `) || change(),
      missed: change,
    });
  }

  /** The payload for what is written to this conversation; SQL that sends it: `pg_notify('${logChannel}', $n)`. */
  payload(conversationId: string): string {
    return `${this.#origin} ${Buffer.byteLength(conversationId) < longestBytes ? conversationId : ""}`;
  }

  version(): number {
    const elapsedMs = performance.now() - this.#changedAt;
    if (elapsedMs < (this.#listener.isListening ? checkMs : lookMs)) return this.#version;
    this.#changedAt = performance.now();
    return ++this.#version;
  }

  close(): void {
    this.#unsubscribe();
  }
}

/** PostgreSQL takes payloads below 8,000 bytes. */
const longestBytes = 7_000;

import { RequestError } from "../../core/errors.js";
import type { Session } from "../../session/session.js";

export interface ShownRequest {
  requestId: string;
  session?: Session;
}

export class ServerRequests {
  readonly #running = new Map<ShownRequest, AbortController>();

  /** Runs `work`. Rejects with RequestError `cancelled` if `cancel` has aborted the work. */
  async run<Result>(
    { requestId, session }: ShownRequest,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const asked = { requestId, session };
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(asked, controller);
    try {
      return await work(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new RequestError("cancelled", "the request was cancelled", {
        hint: "nothing was stored, so its request_id may be used again",
      });
    } finally {
      this.#running.delete(asked);
    }
  }

  /** Aborts all running requests that match. Returns false if no running request matches. */
  cancel(isMeant: (asked: ShownRequest) => boolean): boolean {
    const meant = [...this.#running].filter(([asked]) => isMeant(asked));
    for (const [, controller] of meant) controller.abort();
    return meant.length > 0;
  }
}

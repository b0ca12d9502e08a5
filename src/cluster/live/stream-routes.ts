/** Streams that other hosts have opened to this host. One stream carries everything that the other host follows here. */

interface Route {
  write: (text: string) => Promise<void>;
  end: () => void;
  isBusy: boolean;
}

export class StreamRoutes {
  readonly #routes = new Map<string, Route>();
  readonly #onRoom: () => void;

  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  /**
   * Sends frames to the host through `write`. Resolves when the host disconnects, opens another stream, or reports that this stream is no
   * longer open.
   */
  async serve(nodeId: string, write: Route["write"], gone: AbortSignal): Promise<void> {
    this.drop(nodeId);
    await new Promise<void>((resolve) => {
      this.#routes.set(nodeId, { write, end: resolve, isBusy: false });
      gone.addEventListener("abort", () => resolve());
      if (gone.aborted) resolve();
      this.#onRoom();
    });
    if (this.#routes.get(nodeId)?.write === write) this.#routes.delete(nodeId);
  }

  get isEmpty(): boolean {
    return this.#routes.size === 0;
  }

  has(nodeId: string): boolean {
    return this.#routes.has(nodeId);
  }

  /**
   * True if the host has a stream and no write to it is in progress. While a write is in progress, frames wait: one frame sent afterwards
   * is shorter than the many small frames that it replaces.
   */
  hasRoom(nodeId: string): boolean {
    return this.#routes.get(nodeId)?.isBusy === false;
  }

  send(nodeId: string, text: string): void {
    const route = this.#routes.get(nodeId);
    if (!route) return;
    route.isBusy = true;
    void route.write(text).then(() => {
      route.isBusy = false;
      this.#onRoom();
    });
  }

  /** Sends an empty list on every idle stream, as a heartbeat. */
  beat(): void {
    for (const nodeId of this.#routes.keys()) if (this.hasRoom(nodeId)) this.send(nodeId, "[]");
  }

  drop(nodeId: string): void {
    this.#routes.get(nodeId)?.end();
    this.#routes.delete(nodeId);
  }

  close(): void {
    for (const nodeId of [...this.#routes.keys()]) this.drop(nodeId);
  }
}

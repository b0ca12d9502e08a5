/** Streams that other hosts have opened to this one, each for everything that the host follows here. */

interface Route {
  write: (text: string) => Promise<void>;
  end: () => void;
  isBusy: boolean;
}

export class Routes {
  readonly #routes = new Map<string, Route>();
  readonly #onRoom: () => void;

  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  /** Serves the stream until the host disconnects, opens another, or is reached another way. */
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

  /** False while the reader is slow: one later frame is shorter than many in the meantime. */
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

  /** Sends an empty list to all, as a heartbeat. */
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

/** Streams that other processes have opened to this one, each for all that its process follows here. */

interface Route {
  /** Resolves when there is room for more. */
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

  /** Until the process has gone, opens another one, or is heard of otherwise. */
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

  /** False while its reader is slow: what it is told later is shorter than what it would have been told meanwhile. */
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

  /** Says to all that this process lives. */
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

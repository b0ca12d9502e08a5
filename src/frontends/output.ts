import type { Writable } from "node:stream";

/** Writes at the pace of whoever reads. When the reader has gone, the rest is dropped: a turn does not die of `| head`. */
export class Output {
  readonly #stream: Writable;
  #drained: Promise<void> | undefined;
  #gone = false;

  constructor(stream: Writable, onGone: () => void = () => {}) {
    this.#stream = stream;
    const leave = () => {
      if (this.#gone) return;
      this.#gone = true;
      onGone();
    };
    stream.once("close", leave);
    stream.on("error", leave);
  }

  /** Resolves when more may be written. */
  async write(text: string): Promise<void> {
    while (this.#drained && !this.#gone) await this.#drained;
    if (this.#gone || this.#stream.write(text)) return;
    this.#drained ??= this.#nextDrain();
    await this.#drained;
  }

  #nextDrain(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#drained = undefined;
        for (const name of ["drain", "close", "error"]) this.#stream.off(name, done);
        resolve();
      };
      for (const name of ["drain", "close", "error"]) this.#stream.on(name, done);
    });
  }
}

import type { Writable } from "node:stream";

interface Waiting {
  /** A function makes a text only when it is written: a costly text is not kept while it waits. */
  text: string | (() => string);
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * A stream written in order, at the reader's pace. When the reader has gone, the rest is dropped, so that `| head` does not fail a turn.
 */
export class Output {
  readonly #stream: Writable;
  readonly #onGone: () => void;
  #waiting: Waiting[] = [];
  /** Resolves the write that filled the stream; called on drain. */
  #full: (() => void) | undefined;
  #gone = false;

  constructor(stream: Writable, onGone: () => void = () => {}) {
    this.#stream = stream;
    this.#onGone = onGone;
    stream.on("drain", () => this.#drained());
    stream.once("close", () => this.drop());
    stream.on("error", () => this.drop());
  }

  /** Resolves when more may be written. Rejects with what `text` throws. */
  write(text: Waiting["text"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
      this.#flush();
    });
  }

  /** Drops what waits and all later writes, and resolves them. */
  drop(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#drained();
    this.#onGone();
  }

  #drained(): void {
    this.#full?.();
    this.#full = undefined;
    this.#flush();
  }

  #flush(): void {
    while (!this.#full) {
      const next = this.#waiting.shift();
      if (!next) return;
      const { text, resolve, reject } = next;
      try {
        if (this.#gone || this.#stream.write(typeof text === "string" ? text : text())) resolve();
        else this.#full = resolve;
      } catch (error) {
        reject(error); // thrown out of the stream's event, it would end the process
      }
    }
  }
}

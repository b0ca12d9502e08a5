import type { Writable } from "node:stream";

interface Waiting {
  /** A text that is costly to keep is made when its time has come. */
  text: string | (() => string);
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Writes at the pace of whoever reads, in order. When the reader has gone, the rest is dropped: a turn does not die of `| head`. */
export class Output {
  readonly #stream: Writable;
  readonly #onGone: () => void;
  #waiting: Waiting[] = [];
  /** Who has filled the stream waits for it to be read. */
  #full: (() => void) | undefined;
  #gone = false;

  constructor(stream: Writable, onGone: () => void = () => {}) {
    this.#stream = stream;
    this.#onGone = onGone;
    stream.on("drain", () => this.#drained());
    stream.once("close", () => this.drop());
    stream.on("error", () => this.drop());
  }

  /** Resolves when more may be written. Rejects with what the making of the text throws. */
  write(text: Waiting["text"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
      this.#flush();
    });
  }

  /** Nothing is written any more, and nobody waits for the reader. */
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

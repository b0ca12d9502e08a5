import type { Writable } from "node:stream";

interface WaitingText {
  /**
   * Text to write, or a function that returns the text. The function is called only when its text is written, so that large texts do not
   * wait in memory.
   */
  text: string | (() => string);
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Writes to a stream in order, and no faster than the reader reads. When the reader closes the stream, the remaining texts are dropped
 * without an error, so that `| head` does not make a turn fail.
 */
export class Output {
  readonly #stream: Writable;
  readonly #onGone: () => void;
  #waiting: WaitingText[] = [];
  /** Resolves the promise of the write that filled the stream. Called when the stream has drained. */
  #full: (() => void) | undefined;
  #gone = false;

  constructor(stream: Writable, onGone: () => void = () => {}) {
    this.#stream = stream;
    this.#onGone = onGone;
    stream.on("drain", () => this.#drained());
    stream.once("close", () => this.drop());
    stream.on("error", () => this.drop());
  }

  /** Writes a text after all earlier ones. Resolves when the stream can take more. Rejects with the error that `text` throws. */
  write(text: WaitingText["text"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
      this.#flush();
    });
  }

  /** Drops the waiting writes and all later writes. The promises of these writes resolve. */
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
        reject(error); // an error thrown in a stream's event handler would end the process
      }
    }
  }
}

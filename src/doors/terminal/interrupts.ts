import { exitCodes } from "../shared/exit-codes.js";

/**
 * Time within which a second Ctrl-C leaves the chat, in ms. The time starts at a Ctrl-C at an empty prompt, or at the end of the work that
 * a Ctrl-C stopped.
 */
const secondInterruptMs = 2000;

interface InterruptParts {
  now: () => number;
  note: (text: string) => void;
  /** Clears the line that is being typed. Returns false if the line is empty. */
  dropLine: () => boolean;
  /** Called on Ctrl-C at an empty prompt. */
  hint: () => void;
}

/** Handles Ctrl-C and Esc. Both stop running work. Ctrl-C also clears the line that is being typed. A second Ctrl-C leaves the chat. */
export class Interrupts {
  readonly #parts: InterruptParts;
  #stop: (() => void) | undefined;
  #isStopping = false;
  /** Time until which the next Ctrl-C leaves the chat. */
  #leaveUntil = 0;
  #leave: (exitCode: number) => void = () => {};
  /** Resolves to the exit code when the user leaves the chat with a second Ctrl-C. */
  readonly left = new Promise<number>((resolve) => {
    this.#leave = resolve;
  });

  constructor(parts: InterruptParts) {
    this.#parts = parts;
  }

  get isRunning(): boolean {
    return this.#stop !== undefined;
  }

  ctrlC(): void {
    if (this.#parts.now() < this.#leaveUntil) this.#leave(exitCodes.cancelled);
    else if (this.#stop) {
      this.#stopOnce("cancelling; Ctrl-C again leaves");
      this.#leaveUntil = Number.POSITIVE_INFINITY;
    } else if (!this.#parts.dropLine()) {
      this.#leaveUntil = this.#parts.now() + secondInterruptMs;
      this.#parts.hint();
    }
  }

  escape(): void {
    this.#stopOnce("cancelling");
  }

  /** Makes the next Ctrl-C count as the first one again. Called after new input. */
  forget(): void {
    this.#leaveUntil = 0;
  }

  async during(stop: () => void, work: () => Promise<void>): Promise<void> {
    this.#stop = stop;
    this.#isStopping = false;
    try {
      await work();
    } finally {
      this.#stop = undefined;
      this.#leaveUntil = Math.min(this.#leaveUntil, this.#parts.now() + secondInterruptMs);
    }
  }

  #stopOnce(note: string): void {
    if (!this.#stop || this.#isStopping) return;
    this.#isStopping = true;
    this.#stop();
    this.#parts.note(note);
  }
}

import { exitCodes } from "../exit-codes.js";

/** Time within which a second Ctrl-C leaves, after the first at an empty prompt or after the end of what was stopped. */
const secondInterruptMs = 2000;

interface InterruptParts {
  now: () => number;
  note: (text: string) => void;
  /** Drops the line that is being typed. Returns false if there is none. */
  dropLine: () => boolean;
  /** Called at an empty prompt. */
  hint: () => void;
}

/** Ctrl-C and Esc: stop what runs or drop what is typed. Ctrl-C twice leaves. */
export class Interrupts {
  readonly #parts: InterruptParts;
  #stop: (() => void) | undefined;
  #isStopping = false;
  /** Time until which a Ctrl-C leaves. */
  #leaveUntil = 0;
  #leave: (exitCode: number) => void = () => {};
  /** Resolves to the exit code when the person leaves while something runs. */
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

  /** Makes the next Ctrl-C the first again, after new input. */
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

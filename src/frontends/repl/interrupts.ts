import { exitCodes } from "../exit-codes.js";

/** How long after the first Ctrl-C at an empty prompt, or after what it has stopped, the second one leaves. */
const secondInterruptMs = 2000;

interface InterruptParts {
  now: () => number;
  /** Tells the person about what is being stopped. */
  note: (text: string) => void;
  /** At the prompt: drops the line that is being typed. False when there is none. */
  dropLine: () => boolean;
  /** At an empty prompt. */
  hint: () => void;
}

/** What Ctrl-C and Esc do: stop what runs, drop what is typed; Ctrl-C twice leaves. */
export class Interrupts {
  readonly #parts: InterruptParts;
  #stop: (() => void) | undefined;
  #isStopping = false;
  /** Until when a Ctrl-C leaves. */
  #leaveUntil = 0;
  #leave: (exitCode: number) => void = () => {};
  /** Resolves to the exit code when the person has left in the middle of something. */
  readonly left = new Promise<number>((resolve) => {
    this.#leave = resolve;
  });

  constructor(parts: InterruptParts) {
    this.#parts = parts;
  }

  /** Whether something runs that can be stopped. */
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

  /** Something else was asked for: the next Ctrl-C is the first again. */
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

/** The one line at the bottom of the screen that is painted over: what is going on, with a spinner. */
export class StatusLine {
  readonly #write: (text: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #text: () => string = () => "";
  #painted = false;

  /** `write` goes to a terminal. Without one, or where animation is not wanted, leave `start` uncalled. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** `text` is asked anew for every frame and must fit on a line. */
  start(text: () => string): void {
    this.#text = text;
    this.#timer ??= setInterval(() => this.#paint(), 100);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.clear();
  }

  /** Makes room for other output; the next frame paints the line again, below it. */
  clear(): void {
    if (this.#painted) this.#write(eraseLine);
    this.#painted = false;
  }

  #paint(): void {
    const frame = frames[this.#frame++ % frames.length];
    this.#write(`${eraseLine}${frame} ${this.#text()}`);
    this.#painted = true;
  }
}

const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
const eraseLine = "\r\u001b[2K";

/** What is going on, with a spinner, as one line that changes ten times a second. */
export class StatusLine {
  readonly #show: (line: string | undefined) => void;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #text: () => string = () => "";

  /** Where animation is not wanted, leave `start` uncalled. */
  constructor(show: (line: string | undefined) => void) {
    this.#show = show;
  }

  /** `text` is asked anew for every frame and must fit on a line. */
  start(text: () => string): void {
    this.#text = text;
    this.#timer ??= setInterval(() => this.#tick(), 100);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#show(undefined);
  }

  #tick(): void {
    const frame = frames[this.#frame++ % frames.length];
    this.#show(`${frame} ${this.#text()}`);
  }
}

/** Back to the start of the line, which is empty then. */
export const eraseLine = "\r\u001b[2K";
const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/** Shows a line with a spinner and the current activity. The line is redrawn every 80 ms. */
export class StatusLine {
  readonly #show: (line: string | undefined) => void;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #text: () => string = () => "";

  constructor(show: (line: string | undefined) => void) {
    this.#show = show;
  }

  /** Shows the line until `stop` is called. `text` is called for every frame; its result must fit on one line. */
  start(text: () => string): void {
    this.#text = text;
    this.#timer ??= setInterval(() => {
      this.#frame++;
      this.draw();
    }, frameMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#show(undefined);
  }

  /** Shows the line as it is now. Does nothing before `start` and after `stop`. */
  draw(): void {
    if (this.#timer) this.#show(`${frames[this.#frame % frames.length]} ${this.#text()}`);
  }
}

const frameMs = 80;
/** Escape sequence that erases the line and puts the cursor at its start. */
export const eraseLine = "\r\u001b[2K";
const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

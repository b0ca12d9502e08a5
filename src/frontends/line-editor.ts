import { createInterface, type Interface } from "node:readline";
import { type Readable, Writable } from "node:stream";

export interface Terminal {
  input: Readable;
  output: Writable & { columns?: number };
  isTty: boolean;
}

/**
 * Lines from a person, by node:readline. Between two prompts the keys are taken but not shown, so that they do not end up in
 * the middle of an answer: a line entered then is queued, a started one appears at the next prompt.
 */
export class LineEditor {
  readonly #readline: Interface;
  readonly #echo: Echo;
  readonly #isTty: boolean;
  readonly #queue: string[] = [];
  readonly #ended = new AbortController();
  #wake: () => void = () => {};

  /** `onInterrupt`: Ctrl-C, which a terminal in raw mode sends as a key. */
  constructor({ input, output, isTty }: Terminal, onInterrupt: () => void) {
    this.#isTty = isTty;
    this.#echo = new Echo(output);
    this.#readline = createInterface({ input, output: this.#echo, terminal: isTty, prompt: isTty ? prompt : "" });
    this.#readline.on("SIGINT", onInterrupt);
    this.#readline.on("line", (line) => {
      this.#echo.muted = true;
      this.#queue.push(line);
      this.#wake();
    });
    const end = () => {
      this.#ended.abort();
      this.#wake();
    };
    this.#readline.on("close", end);
    this.#readline.on("error", end); // a terminal that was closed: reading it fails, and so does leaving its raw mode
  }

  /** Whether a line is being typed. */
  get typing(): boolean {
    return this.#readline.line !== "";
  }

  /** The next line, or undefined when the input has ended and every line was taken. */
  async next(): Promise<string | undefined> {
    const typedAhead = this.#queue.shift();
    if (typedAhead !== undefined) {
      if (this.#isTty) this.#echo.show(`${prompt}${typedAhead}\n`);
      return typedAhead;
    }
    if (this.#ended.signal.aborted) return undefined;
    this.#startLine(this.#takeTyped());
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return this.#queue.shift();
  }

  /** Drops the line that is being typed and starts a new one below the note. Only while `next` waits. */
  restart(note: string): void {
    this.#takeTyped();
    this.#echo.show(`\n${note}`);
    this.#startLine("");
  }

  /** Prints above the line that is being typed, which stays. False, and nothing, when there is no such line. */
  showAbove(text: string): boolean {
    if (this.#echo.muted || !this.#isTty) return false;
    const typed = this.#takeTyped();
    this.#echo.show(`\r${eraseBelow}${text}`);
    this.#startLine(typed);
    return true;
  }

  /** An answer that was not typed ahead of its question. Undefined when the input ends or the signal comes first. */
  async ask(question: string, signal: AbortSignal): Promise<string | undefined> {
    const over = AbortSignal.any([signal, this.#ended.signal]);
    if (over.aborted) return undefined;
    const typed = this.#takeTyped();
    this.#echo.muted = false;
    const answer = await new Promise<string | undefined>((resolve) => {
      over.addEventListener("abort", () => resolve(undefined), { once: true });
      this.#readline.question(question, { signal: over }, resolve);
    });
    this.#takeTyped();
    if (typed !== "" && !this.#ended.signal.aborted) this.#readline.write(typed);
    return answer;
  }

  close(): void {
    this.#readline.close();
  }

  #startLine(typed: string): void {
    this.#echo.muted = false;
    this.#readline.prompt();
    if (typed !== "") this.#readline.write(typed);
  }

  /** Takes the started line away unseen: readline then has no rows of it that it would repaint over an answer. */
  #takeTyped(): string {
    this.#echo.muted = true;
    const typed = this.#readline.line;
    if (!this.#isTty || this.#ended.signal.aborted) return "";
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    return typed;
  }
}

const prompt = "> ";
const eraseBelow = "\u001b[J";

/** What readline writes: shown or not. */
class Echo extends Writable {
  readonly #output: Terminal["output"];
  muted = true;

  constructor(output: Terminal["output"]) {
    super({ decodeStrings: false });
    this.#output = output;
    output.on("resize", () => this.emit("resize"));
  }

  get columns(): number | undefined {
    return this.#output.columns || undefined;
  }

  show(text: string): void {
    this.#output.write(text);
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.muted) this.#output.write(chunk);
    done();
  }
}

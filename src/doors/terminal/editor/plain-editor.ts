import { createInterface, type Interface } from "node:readline";
import { type LineEditor, QuestionOver, type Terminal } from "./editor.js";

const prompt = "> ";
const notSent =
  "This line was not sent, because it may have been meant for the question that is over. Enter it again to send it.\n";

/** Reads lines from a pipe, or from a terminal that edits its lines itself. A line that ends with `\` continues in the next line. */
export class PlainEditor implements LineEditor {
  readonly #output: Terminal["output"];
  readonly #readline: Interface;
  readonly #prompt: string;
  readonly #queue: string[] = [];
  readonly #ended = new AbortController();
  #begun = "";
  /** True after a question that ended while a person may have been typing its answer. Nothing shows for what the next line is meant. */
  #isNextForQuestion = false;
  #answer: ((line: string) => void) | undefined;
  #wake: () => void = () => {};

  constructor({ input, output, isDumb }: Terminal) {
    this.#output = output;
    this.#prompt = isDumb ? prompt : "";
    this.#readline = createInterface({ input, terminal: false });
    this.#readline.on("line", (line) => this.#take(line));
    const end = () => {
      if (this.#begun) this.#queue.push(this.#begun);
      this.#begun = "";
      this.#ended.abort();
      this.#wake();
    };
    this.#readline.on("close", end);
    this.#readline.on("error", end);
  }

  async next(): Promise<string | undefined> {
    if (this.#queue.length === 0 && !this.#ended.signal.aborted) {
      this.#output.write(this.#prompt);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#queue.shift();
  }

  dropLine(): boolean {
    return false;
  }

  print(text: string): void {
    this.#output.write(text);
  }

  showBelow(): void {}

  async ask(question: string, signal: AbortSignal): Promise<string | undefined> {
    const over = AbortSignal.any([signal, this.#ended.signal]);
    if (over.aborted) return undefined;
    this.#output.write(question);
    const answer = await new Promise<string | undefined>((resolve) => {
      over.addEventListener("abort", () => resolve(undefined), { once: true });
      this.#answer = resolve;
    });
    this.#answer = undefined;
    if (over.reason instanceof QuestionOver) {
      this.#isNextForQuestion = true;
      this.#output.write("\n");
    }
    return answer;
  }

  close(): void {
    this.#readline.close();
  }

  #take(line: string): void {
    if (this.#isNextForQuestion) {
      this.#isNextForQuestion = false;
      this.#output.write(notSent);
      return;
    }
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer) answer(line);
    else if (line.endsWith("\\")) this.#begun += `${line.slice(0, -1)}\n`;
    else {
      this.#queue.push(this.#begun + line);
      this.#begun = "";
      this.#wake();
    }
  }
}

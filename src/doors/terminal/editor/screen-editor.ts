import wrapAnsi from "wrap-ansi";
import { choiceColumns } from "../completion/completion.js";
import { bottomOf, echoOf, prompt, splitQuestion } from "./bottom.js";
import { BottomArea } from "./bottom-area.js";
import { type EditorParts, type LineEditor, type QuestionOptions, QuestionOver, type Terminal } from "./editor.js";
import { InputLine } from "./input-line.js";
import { Keys, type Press } from "./keys.js";
import type { Area } from "./layout.js";
import { left } from "./text-buffer.js";

interface WaitingLine {
  prompt: string;
  resolve: (line: string | undefined) => void;
}

/**
 * Line editor for a terminal. It controls the bottom rows of the screen: the status, the queued lines and the line being typed. If a line
 * is entered while no caller waits for one, the line is queued.
 */
export class ScreenEditor implements LineEditor {
  readonly #area: BottomArea;
  readonly #keys: Keys;
  readonly #parts: EditorParts;
  readonly #queue: string[] = [];
  readonly #ended = new AbortController();
  readonly #onResize = () => this.showBelow([]); // these rows were made for the old width; their owner soon sends new ones
  readonly #output: Terminal["output"];
  #line: InputLine;
  #waiting: WaitingLine | undefined;
  #isQuestion = false;
  /** Letters that answer the open question without Enter. */
  #answerKeys = "";
  /** True after a question that ended while its answer was being typed. The next Enter is then meant for the question, unless the line is emptied. */
  #isEnterForQuestion = false;
  #below: readonly string[] = [];
  #isClosed = false;

  constructor({ input, output }: Terminal, parts: EditorParts) {
    this.#parts = parts;
    this.#output = output;
    this.#area = new BottomArea(output);
    this.#line = new InputLine(parts.history.entries);
    output.on("resize", this.#onResize);
    this.#keys = new Keys(input, (text) => void output.write(text), {
      onPress: (press) => this.#press(press),
      onPause: () => this.#paint(),
      onContinue: () => this.#area.paintAnew(),
      onEnd: () => this.#end(),
    });
  }

  async next(): Promise<string | undefined> {
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#echo(prompt, queued);
      return queued;
    }
    if (this.#ended.signal.aborted) return undefined;
    return new Promise((resolve) => {
      this.#waiting = { prompt, resolve };
      this.#paint();
    });
  }

  async ask(
    question: string,
    signal: AbortSignal,
    { keys = "", text = "" }: QuestionOptions = {},
  ): Promise<string | undefined> {
    const over = AbortSignal.any([signal, this.#ended.signal]);
    if (over.aborted) return undefined;
    const begun = this.#line;
    this.#answerKeys = this.#isTyping ? "" : keys;
    this.#line = new InputLine([]);
    this.#line.buffer.set(text);
    this.#isQuestion = true;
    this.#isEnterForQuestion = false;
    const { head, label } = splitQuestion(question, this.#area.columns);
    this.print(wrapAnsi(head, this.#area.columns, { trim: false }));
    const answer = await new Promise<string | undefined>((resolve) => {
      over.addEventListener("abort", () => resolve(undefined), { once: true });
      this.#waiting = { prompt: label, resolve };
      this.#paint();
    });
    if (answer === undefined) this.#finish();
    const typed = this.#line.buffer.text;
    this.#isQuestion = false;
    this.#line = begun;
    if (over.reason instanceof QuestionOver && typed !== "" && typed !== text) {
      this.#isEnterForQuestion = true;
      if (!this.#isTyping) this.#line.buffer.insert(typed);
    }
    this.#paint();
    return answer;
  }

  dropLine(): boolean {
    if (!this.#isTyping) return false;
    this.#echo(prompt, this.#line.buffer.text);
    this.#line.clear();
    return true;
  }

  print(text: string): void {
    this.#area.print(text);
  }

  showBelow(rows: readonly string[]): void {
    this.#below = rows;
    this.#paint();
  }

  close(): void {
    this.#isClosed = true;
    this.#area.show(undefined);
    this.#output.off("resize", this.#onResize);
    this.#keys.close();
  }

  get #isTyping(): boolean {
    return this.#line.buffer.text !== "";
  }

  #end(): void {
    this.#ended.abort();
    if (!this.#isQuestion) this.#finish();
  }

  #press(press: Press): void {
    const name = press.type === "key" ? press.name : undefined;
    if (this.#isEnterForQuestion && name === "return") {
      this.#isEnterForQuestion = false;
      this.print(this.#parts.dim("the question is over: Enter sends this line as a message now\n"));
      return;
    }
    if (this.#ended.signal.aborted) {
      if (name === "ctrl-c") this.#parts.onInterrupt(); // the input has ended, but Ctrl-C can still stop running work
    } else if (name === "return") this.#enter();
    else if (name === "ctrl-c") this.#interrupted();
    else if (name === "escape") this.#escaped();
    else if (name === "ctrl-d" && !this.#isTyping) this.#end();
    else if (name === "ctrl-l") this.#area.clearScreen();
    else if (name === "ctrl-z") this.#keys.suspend();
    else if (name === "tab") void this.#complete();
    else if (press.type === "text" && this.#isAnswer(press.text)) this.#finish(press.text);
    else this.#line.press(press);
    if (!this.#isTyping) this.#isEnterForQuestion = false;
  }

  #isAnswer(text: string): boolean {
    return this.#isQuestion && !this.#isTyping && text.length === 1 && this.#answerKeys.includes(text);
  }

  #interrupted(): void {
    if (!this.#line.endSearch()) this.#parts.onInterrupt();
  }

  #escaped(): void {
    if (!this.#line.endSearch()) this.#parts.onEscape();
  }

  #enter(): void {
    const { buffer } = this.#line;
    if (!this.#isQuestion && buffer.text.endsWith("\\") && buffer.cursor === buffer.text.length) {
      buffer.erase(left);
      buffer.insert("\n");
    } else if (this.#isQuestion) this.#finish(buffer.text);
    else {
      const { text } = buffer;
      this.#parts.history.add(text);
      if (this.#waiting) this.#finish(text);
      else if (text.trim() !== "") this.#queue.push(text);
      this.#line.clear();
    }
  }

  /** Passes the line to the waiting caller and copies it to the output above. */
  #finish(line?: string): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#paint();
    this.#waiting = undefined;
    this.#echo(waiting.prompt, line ?? this.#line.buffer.text);
    waiting.resolve(line);
  }

  async #complete(): Promise<void> {
    const { buffer } = this.#line;
    if (this.#isQuestion) return;
    const { text, cursor } = buffer;
    const { start, insert, choices } = await this.#parts.complete(text, cursor);
    if (this.#isClosed || buffer.text !== text || buffer.cursor !== cursor) return;
    if (insert !== text.slice(start, cursor)) buffer.complete(start, insert);
    else if (choices.length > 1) this.print(`${this.#parts.dim(choiceColumns(choices, this.#area.columns))}\n`);
    this.#paint();
  }

  #echo(label: string, text: string): void {
    const { columns } = this.#area;
    this.#area.keep(echoOf(text, { label, columns, dim: this.#parts.dim }));
  }

  #paint(): void {
    if (!this.#isClosed) this.#area.show(this.#layOut());
  }

  #layOut(): Area | undefined {
    const { showsTypedAhead, facts } = this.#parts;
    if (!this.#waiting && !showsTypedAhead) return undefined;
    const { columns, height } = this.#area;
    const { buffer, searchLabel } = this.#line;
    const isPrompt = this.#waiting !== undefined && !this.#isQuestion;
    return bottomOf(
      {
        below: this.#below,
        queued: this.#isQuestion ? [] : this.#queue,
        input: this.#waiting || this.#isTyping ? buffer : undefined,
        label: searchLabel ?? this.#waiting?.prompt ?? prompt,
        facts: isPrompt ? facts() : undefined,
      },
      { columns, height, dim: this.#parts.dim },
    );
  }
}

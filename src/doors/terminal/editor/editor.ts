import type { Writable } from "node:stream";
import type { Completer } from "../completion/completion.js";
import type { InputHistory } from "./input-history.js";
import type { KeySource } from "./keys.js";

export interface Terminal {
  input: KeySource;
  output: Writable & { columns?: number; rows?: number };
  isTty: boolean;
  /** True if the terminal cannot move its cursor (`TERM=dumb`). The editor then prints a prompt and reads plain lines. */
  isDumb?: boolean;
}

/** Reason with which the signal of `Asker.ask` aborts if the person's answer is no longer needed, although the turn was not cancelled. */
export class QuestionOver {}

export interface QuestionOptions {
  /** Letters that are an answer without Enter. They count only if the person was not typing a line when the question appeared. */
  keys?: string;
  /** Text that the person can change into the answer. A plain editor cannot offer it. */
  text?: string;
}

export interface Asker {
  /**
   * Shows the question. Resolves to an answer that is typed after the question was shown. Resolves to undefined if the input ends or the
   * signal is aborted first. If the reason is `QuestionOver`, an Enter that the person has meant for this question sends nothing.
   */
  ask(question: string, signal: AbortSignal, options?: QuestionOptions): Promise<string | undefined>;
}

/** Reads the lines that a person types. Output is printed so that it does not mix with the line being typed. */
export interface LineEditor extends Asker {
  /** Resolves to the next line that was entered. Resolves to undefined when the input has ended and all lines were read. */
  next(): Promise<string | undefined>;
  /** Clears the line that is being typed. Returns false if the line is empty. */
  dropLine(): boolean;
  print(text: string): void;
  /** Shows rows below the output. Each must be narrower than the terminal. If there are too many, the first ones are left out. */
  showBelow(rows: readonly string[]): void;
  close(): void;
}

export interface EditorParts {
  /** Called on Ctrl-C. In raw mode the terminal sends Ctrl-C as a key, not as a signal. */
  onInterrupt: () => void;
  onEscape: () => void;
  history: InputHistory;
  complete: Completer;
  /** True if text that is typed while something runs is shown below the status line. */
  showsTypedAhead: boolean;
  dim: (text: string) => string;
  /** Returns the line to show below the prompt. Called at every repaint. */
  facts: () => string | undefined;
}

import type { Writable } from "node:stream";
import type { Completer } from "./completion.js";
import type { InputHistory } from "./history.js";
import type { KeySource } from "./keys.js";
import { PlainEditor } from "./plain-editor.js";
import { ScreenEditor } from "./screen-editor.js";

export interface Terminal {
  input: KeySource;
  output: Writable & { columns?: number; rows?: number };
  isTty: boolean;
  /** A terminal whose cursor cannot be moved (`TERM=dumb`): it gets a prompt, and lines as they are. */
  isDumb?: boolean;
}

/** Puts questions to the person at the terminal. */
export interface Asker {
  /** An answer that was not typed ahead of its question. Undefined when the input ends or the signal comes first. */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
}

/** Lines from a person, and output that does not get into the middle of the line that is being typed. */
export interface LineEditor extends Asker {
  /** The next line, or undefined when the input has ended and every line was taken. */
  next(): Promise<string | undefined>;
  /** Gives up the line that is being typed. False when there is none. */
  dropLine(): boolean;
  print(text: string): void;
  /** What goes on, as one line of the terminal's width; undefined: nothing. */
  showStatus(line: string | undefined): void;
  close(): void;
}

export interface EditorParts {
  /** Ctrl-C, which a terminal in raw mode sends as a key. */
  onInterrupt: () => void;
  onEscape: () => void;
  history: InputHistory;
  complete: Completer;
  /** What is typed while something runs is shown below the status line. */
  showsTypedAhead: boolean;
  dim: (text: string) => string;
  /** The line below the prompt, asked anew whenever that is painted. */
  facts: () => string | undefined;
}

export function openEditor(terminal: Terminal, parts: EditorParts): LineEditor {
  return terminal.isTty && !terminal.isDumb ? new ScreenEditor(terminal, parts) : new PlainEditor(terminal);
}

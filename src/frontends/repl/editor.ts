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
  /** True if the cursor cannot be moved (`TERM=dumb`): the editor prints a prompt and reads plain lines. */
  isDumb?: boolean;
}

export interface Asker {
  /** Resolves to an answer typed after the question was shown. Undefined when the input ends or the signal is aborted first. */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
}

/** Reader of a person's lines that keeps output out of the line being typed. */
export interface LineEditor extends Asker {
  /** Resolves to the next line. Undefined when the input has ended and every line was taken. */
  next(): Promise<string | undefined>;
  /** Drops the line that is being typed. Returns false if there is none. */
  dropLine(): boolean;
  print(text: string): void;
  /** Shows the current activity as one line of the terminal's width; undefined clears it. */
  showStatus(line: string | undefined): void;
  close(): void;
}

export interface EditorParts {
  /** Called on Ctrl-C, which a terminal in raw mode sends as a key. */
  onInterrupt: () => void;
  onEscape: () => void;
  history: InputHistory;
  complete: Completer;
  /** True if text typed while something runs is shown below the status line. */
  showsTypedAhead: boolean;
  dim: (text: string) => string;
  /** Returns the line below the prompt; called at every repaint. */
  facts: () => string | undefined;
}

export function openEditor(terminal: Terminal, parts: EditorParts): LineEditor {
  return terminal.isTty && !terminal.isDumb ? new ScreenEditor(terminal, parts) : new PlainEditor(terminal);
}

import { emitKeypressEvents, type Key } from "node:readline";
import type { Readable } from "node:stream";
import { inert } from "../../../core/text/inert.js";

/** Input of the user. `text` is typed or pasted text. `key` is the name of a key, such as `ctrl-a`, `alt-b` or `left`. */
export type Press = { type: "text"; text: string } | { type: "key"; name: string };

interface KeyListener {
  onPress: (press: Press) => void;
  /** Called after all keys that arrived in one read. */
  onPause: () => void;
  /** Called when the process continues after it was stopped. Other programs may have written to the terminal meanwhile. */
  onContinue: () => void;
  onEnd: () => void;
}

export interface KeySource extends Readable {
  setRawMode?: (isRaw: boolean) => unknown;
}

/** Time that the system has to stop this process after SIGTSTP, in ms. */
const stopsWithinMs = 200;

const pasteOn = "\u001b[?2004h";
const pasteOff = "\u001b[?2004l";

/** Reads the keys of a terminal in raw mode. A paste (bracketed paste) is passed on as one text, with its line ends. */
export class Keys {
  readonly #input: KeySource;
  readonly #write: (text: string) => void;
  readonly #listener: KeyListener;
  #pasted: string | undefined;
  #isPauseReported = false;
  #isClosed = false;
  #isSuspended = false;

  constructor(input: KeySource, write: (text: string) => void, listener: KeyListener) {
    this.#input = input;
    this.#write = write;
    this.#listener = listener;
    emitKeypressEvents(input);
    input.on("keypress", this.#onKeypress);
    for (const name of ["end", "close", "error"]) input.on(name, listener.onEnd); // an error means that the terminal was closed
    process.on("exit", this.#release);
    process.on("SIGCONT", this.#onContinue); // a shell may have changed the terminal's mode while the process was stopped
    this.#take();
    input.resume();
  }

  close(): void {
    this.#isClosed = true;
    this.#input.off("keypress", this.#onKeypress);
    process.off("exit", this.#release);
    process.off("SIGCONT", this.#onContinue);
    this.#release();
    this.#input.pause();
  }

  /**
   * Gives the terminal back to the shell until the process continues. If nothing stops the process within `stopsWithinMs`, takes the
   * terminal back: there may be no shell that could continue the process.
   */
  suspend(): void {
    this.#release();
    this.#isSuspended = true;
    // `setImmediate` lets Node handle a pending SIGCONT first. When a stopped process continues, the timer is often due already, and
    // without this it would run before the signal's handler.
    setTimeout(() => setImmediate(() => this.#isSuspended && this.#onContinue()), stopsWithinMs);
    process.kill(process.pid, "SIGTSTP");
  }

  readonly #onContinue = (): void => {
    if (this.#isClosed) return;
    this.#isSuspended = false;
    this.#setRaw(false); // raw mode is turned off first, because Node does nothing if it believes that raw mode is already on
    this.#take();
    this.#listener.onContinue();
  };

  #take(): void {
    this.#setRaw(true);
    this.#write(pasteOn);
  }

  readonly #release = (): void => {
    this.#write(pasteOff);
    this.#setRaw(false);
  };

  #setRaw(isRaw: boolean): void {
    try {
      this.#input.setRawMode?.(isRaw);
    } catch {
      // a closed terminal has no mode to set
    }
  }

  readonly #onKeypress = (text: string | undefined, key: Key): void => {
    this.#tellPause();
    if (key.ctrl && key.name === "c") this.#pasted = undefined; // Ctrl-C ends a paste, because the sequence that ends the paste may be lost
    if (key.name === "paste-start") this.#pasted = "";
    else if (this.#pasted === undefined) this.#press(text, key);
    else if (key.name === "paste-end") {
      const pasted = inert(this.#pasted.replace(/\r\n?/g, "\n"));
      this.#pasted = undefined;
      if (pasted) this.#listener.onPress({ type: "text", text: pasted });
    } else this.#pasted += key.sequence ?? text ?? "";
  };

  #press(text: string | undefined, key: Key): void {
    const isText = text !== undefined && !key.ctrl && !key.meta && !/\p{Cc}/u.test(text);
    if (isText) this.#listener.onPress({ type: "text", text });
    else if (key.name) this.#listener.onPress({ type: "key", name: nameOf(key) });
  }

  #tellPause(): void {
    if (this.#isPauseReported) return;
    this.#isPauseReported = true;
    queueMicrotask(() => {
      this.#isPauseReported = false;
      this.#listener.onPause();
    });
  }
}

/** Returns the key's name with its modifiers. In Node, `enter` is a line feed and `return` is a carriage return (the Enter key). */
function nameOf({ name = "", ctrl, meta }: Key): string {
  const isModified = name !== "escape" && meta;
  return `${ctrl ? "ctrl-" : ""}${isModified ? "alt-" : ""}${name}`;
}

import { emitKeypressEvents, type Key } from "node:readline";
import type { Readable } from "node:stream";
import { inert } from "../terminal.js";

/** `text`: typed or pasted, without a meaning of its own. `key`: by its name, as `ctrl-a`, `alt-b`, `left`. */
export type Press = { type: "text"; text: string } | { type: "key"; name: string };

interface KeyListener {
  onPress: (press: Press) => void;
  /** The keys of one read have been told. */
  onPause: () => void;
  onEnd: () => void;
}

export interface KeySource extends Readable {
  setRawMode?: (isRaw: boolean) => unknown;
}

const pasteOn = "\u001b[?2004h";
const pasteOff = "\u001b[?2004l";

/** The keys of a terminal in raw mode. What is pasted comes as one text, line ends and all (bracketed paste). */
export class Keys {
  readonly #input: KeySource;
  readonly #write: (text: string) => void;
  readonly #listener: KeyListener;
  #pasted: string | undefined;
  #isPauseTold = false;

  constructor(input: KeySource, write: (text: string) => void, listener: KeyListener) {
    this.#input = input;
    this.#write = write;
    this.#listener = listener;
    emitKeypressEvents(input);
    input.on("keypress", this.#onKeypress);
    for (const name of ["end", "close", "error"]) input.on(name, listener.onEnd); // error: the terminal was closed
    process.on("exit", this.#release);
    this.#take();
    input.resume();
  }

  close(): void {
    this.#input.off("keypress", this.#onKeypress);
    process.off("exit", this.#release);
    this.#release();
    this.#input.pause();
  }

  /** Gives the terminal back to the shell until the process goes on. */
  suspend(): void {
    this.#release();
    process.once("SIGCONT", () => {
      this.#take();
      this.#listener.onPause();
    });
    process.kill(process.pid, "SIGTSTP");
  }

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
      // a terminal that was closed has no mode
    }
  }

  readonly #onKeypress = (text: string | undefined, key: Key): void => {
    this.#tellPause();
    if (key.ctrl && key.name === "c") this.#pasted = undefined; // the end of a paste may get lost
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
    if (this.#isPauseTold) return;
    this.#isPauseTold = true;
    queueMicrotask(() => {
      this.#isPauseTold = false;
      this.#listener.onPause();
    });
  }
}

/** Node calls a line feed `enter` and a carriage return, which is the Enter key, `return`. */
function nameOf({ name = "", ctrl, meta }: Key): string {
  const isModified = name !== "escape" && meta;
  return `${ctrl ? "ctrl-" : ""}${isModified ? "alt-" : ""}${name}`;
}

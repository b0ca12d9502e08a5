import { stripVTControlCharacters } from "node:util";
import type { ServerConfig } from "../../core/config.js";
import { redactor } from "../redact.js";

const tailChars = 4096;

/** The last of what a server has written on stderr. */
export class StderrTail {
  #text = "";
  readonly #redact: (text: string) => string;

  constructor(config: ServerConfig) {
    this.#redact = redactor(config);
  }

  add(text: string): void {
    this.#text = (this.#text + text).slice(-tailChars);
  }

  /** Without what the user gave the server in confidence, and without terminal sequences. */
  get words(): string {
    return this.#redact(stripVTControlCharacters(this.#text)).trim();
  }
}

import { stripVTControlCharacters } from "node:util";
import type { ServerConfig } from "../../core/config.js";
import { redactor } from "../shared/redact-secrets.js";

const tailChars = 4096;

export class StderrTail {
  #text = "";
  readonly #redact: (text: string) => string;

  constructor(config: ServerConfig) {
    this.#redact = redactor(config);
  }

  add(text: string): void {
    this.#text = (this.#text + text).slice(-tailChars);
  }

  /** The last part of the text that the server wrote to stderr, without the server's configured secrets and without terminal sequences. */
  get words(): string {
    return this.#redact(stripVTControlCharacters(this.#text)).trim();
  }
}

import { stripVTControlCharacters } from "node:util";
import type { ServerConfig } from "../../core/config.js";
import { redactor } from "../shared/redact-secrets.js";

/** Maximum length of the text that is shown. */
const tailChars = 4096;
/** Length of the text that is kept. Secrets are removed from all of it before it is cut, so that no part of a secret stays at the edge. */
const keptChars = 4 * tailChars;

export class StderrTail {
  #text = "";
  readonly #redact: (text: string) => string;

  constructor(config: ServerConfig) {
    this.#redact = redactor(config);
  }

  add(text: string): void {
    this.#text = (this.#text + text).slice(-keptChars);
  }

  /** The last part of the text that the server wrote to stderr, without the server's configured secrets and without terminal sequences. */
  get text(): string {
    return this.#redact(stripVTControlCharacters(this.#text)).slice(-tailChars).trim();
  }
}
